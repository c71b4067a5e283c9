"""Probes: a few rows of the test split with the answers to them, which travel with what is pushed.

A server asks them before it lets a new version answer anybody: files may be whole, and the answers other ones.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MOST, LONGEST = 64, 1000  # probes; characters of a text


def candidates(texts: Sequence[str], hashes: Sequence[str], count: int) -> list[int]:
    """Rows to choose from, by the hashes of their texts: the same split gives the same ones, in any order.

    Args:
        texts: of the rows.
        hashes: of the texts.
        count: how many at most.
    """
    fit = (row for row in range(len(texts)) if 0 < len(texts[row]) <= LONGEST)
    return sorted(fit, key=lambda row: (hashes[row], texts[row]))[:count]


def lines(answered: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """The file of probes: of each label in turn, as many as there are at most.

    Args:
        answered: texts with what a server tells of each: its `label`, its `labels`, or something that is no name.

    Returns:
        JSON lines, `{"instance": …, "prediction": …}` each, as a request of KServe's and its answer; empty without any.
    """
    by_label: dict[Any, list[str]] = {}
    for text, told in answered:
        line = json.dumps({"instance": text, "prediction": dict(told)}, ensure_ascii=False)
        named = told.get("label", told.get("labels", ""))
        by_label.setdefault(named if isinstance(named, str) else json.dumps(named), []).append(f"{line}\n")
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(*(by_label[label] for label in sorted(by_label))))
    return "".join(itertools.islice(filter(None, in_turn), MOST))
