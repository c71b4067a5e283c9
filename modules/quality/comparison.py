"""Whether one model is better than another on the same rows, or only looks so.

Differences come with a paired bootstrap interval; accuracy also with McNemar's exact test on the rows that one model
gets right and the other does not (McNemar 1947, "Note on the sampling error of the difference between correlated
proportions or percentages").
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modules.quality import intervals, scores

import numpy as np

if TYPE_CHECKING:
    from modules.quality.predictions import Predictions
    from modules.quality.scoring import Scoring


def compare(
    one: Predictions, other: Predictions, labels: Sequence[str], other_labels: Sequence[str] | None = None
) -> dict[str, Any]:
    """Compares two models row by row.

    Args:
        one: answers of the model that was there.
        other: answers of the one that is compared with it.
        labels: label names of `one`, in id order.
        other_labels: those of `other`, where they may differ.

    Returns:
        `rows` (`one`, `other`, `common`, `relabelled`) and, where there are common rows, `accuracy` and `macro_f1`:
        `one`, `other`, and `difference` (other minus one) with `low`, `high` and `significant`; `mcnemar`: `only_one`
        and `only_other` rows that just one got right, and `p`; and `agreement`, the share of rows with equal answers.
        With other labels, `rows` alone and `labels_differ`.
    """
    counts: dict[str, Any] = {"one": len(one), "other": len(other), "common": 0, "relabelled": 0}
    if other_labels is not None and sorted(labels) != sorted(other_labels):
        return {"rows": counts, "labels_differ": [list(labels), list(other_labels)]}
    first, second = paired_rows(one.text_hash, other.text_hash)
    # The same labels may stand in another order.
    ids = np.array([list(labels).index(name) for name in other_labels or labels])
    true, true_other = one.label[first], ids[other.label[second]]
    same = true == true_other
    counts |= {"common": int(same.sum()), "relabelled": int((~same).sum())}
    if not counts["common"]:
        return {"rows": counts}
    label, mine, theirs = true[same], one.predicted[first][same], ids[other.predicted[second]][same]
    classes = len(labels)
    differences = intervals.paired_intervals(label, theirs, mine, classes)
    values = [scores.of_confusion(scores.confusion(label, predicted, classes)) for predicted in (mine, theirs)]
    result: dict[str, Any] = {"rows": counts}
    for name, found in differences.items():
        result[name] = {
            "one": float(values[0][name]),
            "other": float(values[1][name]),
            "difference": found.value,
            "low": found.low,
            "high": found.high,
            "significant": not found.low <= 0.0 <= found.high,
        }
    result["mcnemar"] = mcnemar(mine == label, theirs == label)
    result["agreement"] = float(np.mean(mine == theirs))
    return result


def compare_scores(one: Predictions, other: Predictions, judge: Scoring) -> dict[str, Any]:
    """Compares two models of any target row by row.

    Args:
        one: answers of the model that was there.
        other: answers of the one that is compared with it.
        judge: of the target of both.

    Returns:
        `rows`, as of `compare`, and, where there are common rows, `scores`: by metric of the target `title`, `one`,
        `other`, and `difference` (other minus one) with `low`, `high` and `significant`.
    """
    first, second = paired_rows(one.text_hash, other.text_hash)
    apart = one.label[first] != other.label[second]
    same = ~(apart.any(axis=1) if apart.ndim > 1 else apart)
    counts = {"one": len(one), "other": len(other), "common": int(same.sum()), "relabelled": int((~same).sum())}
    if not counts["common"]:
        return {"rows": counts}
    truth, mine, theirs = one.label[first][same], one.predicted[first][same], other.predicted[second][same]
    before, now = (judge.scores(truth, predicted) for predicted in (mine, theirs))
    found = judge.differences(truth, theirs, mine)
    return {
        "rows": counts,
        "scores": {
            name: {
                "title": title,
                "one": before[name],
                "other": now[name],
                "difference": found[name].value,
                "low": found[name].low,
                "high": found[name].high,
                "significant": not found[name].low <= 0.0 <= found[name].high,
            }
            for name, title in judge.titles.items()
        },
    }


def mcnemar(one: np.ndarray, other: np.ndarray) -> dict[str, Any]:
    """McNemar's exact test.

    Args:
        one: whether the one model was right, bool `[rows]`.
        other: whether the other was, for the same rows.

    Returns:
        `only_one` and `only_other`: rows that just that model got right; and `p`, two-sided.
    """
    from scipy import stats

    only_one, only_other = int(np.sum(one & ~other)), int(np.sum(other & ~one))
    split = only_one + only_other
    p = float(stats.binomtest(only_one, split, 0.5).pvalue) if split else 1.0
    return {"only_one": only_one, "only_other": only_other, "p": p}


def paired_rows(one: Sequence[str], other: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Finds the same rows in two splits.

    Args:
        one: hashes of the rows of the one; empty ones are paired with nothing.
        other: of the other.

    Returns:
        Row numbers in each, in the order of `one`; of several rows with one hash, the first is paired with the first,
        and so on.
    """
    waiting: dict[str, collections.deque[int]] = collections.defaultdict(collections.deque)
    for row, key in enumerate(other):
        if key:
            waiting[key].append(row)
    pairs = [(row, waiting[key].popleft()) for row, key in enumerate(one) if key and waiting.get(key)]
    table = np.array(pairs, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
