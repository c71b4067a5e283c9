"""Probes: a few rows of the test split with the answers to them, which travel with a pushed model.

A server asks them before it lets a new version answer anybody: files may be whole, and the answers other ones.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

from modules.quality.predictions import Predictions
from modules.quality.scoring import Scoring

MOST, LONGEST = 8, 1000  # probes; characters of a text


def choose(found: Predictions, judge: Scoring) -> str:
    """Chooses rows by the hashes of their texts, so that the same split gives the same ones, of each answer in turn.

    Args:
        found: the model's answers to a split whose rows are a text each.
        judge: of the target; where it does not say what a server tells, there are no probes.

    Returns:
        JSON lines, `{"instance": …, "prediction": …}` each, as a request and its answer; empty without any.
    """
    by_answer: dict[object, list[int]] = {}
    for row in sorted(range(len(found)), key=lambda row: (found.text_hash[row], found.text[row])):
        if 0 < len(found.text[row]) <= LONGEST:
            by_answer.setdefault(found.predicted[row].item(), []).append(row)
    lines = []
    for row in itertools.islice(_in_turn([by_answer[answer] for answer in sorted(by_answer)]), MOST):  # type: ignore[type-var]
        told = judge.told(found, row)
        if told is not None:
            lines.append(json.dumps({"instance": found.text[row], "prediction": told}, ensure_ascii=False) + "\n")
    return "".join(lines)


def _in_turn(groups: list[list[int]]) -> Iterator[int]:
    """The first of each group, then the second of each, and so on."""
    for rows in itertools.zip_longest(*groups):
        yield from (row for row in rows if row is not None)
