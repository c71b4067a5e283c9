"""What a drafted configuration says of the answer: its target, the bounds to keep, and the words of the card."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pipeline.profiling import shipping, training
from pipeline.profiling.answers.kinds import MANY_LABELS, NUMBER, ONE_LABEL

_SHOWN = 12  # labels beside which their rows stand
_RISE = 5  # a share of RMSE that is as much as a loss of accuracy
_SPREAD = 0.05  # of agreement that rounding takes where every label has a threshold, or answers have a spread


def quoted(value: str) -> str:
    """A YAML string; always in quotes, since `no`, `1` and `null` would be something else."""
    return json.dumps(value, ensure_ascii=False)


def comment(value: str) -> str:
    """Fit to stand in a comment: a column's name may hold a line break."""
    return " ".join(value.split())


def section(profile: Mapping[str, Any]) -> list[str]:
    """The labels, or the section `target`."""
    if profile["target"]["kind"] == ONE_LABEL:
        return [*_labels(profile["labels"]), *training.decision(profile["labels"])]
    found, label = profile["numbers"], profile["roles"]["label"]
    if profile["target"]["kind"] == MANY_LABELS:
        return [
            "target:",
            f"  kind: {MANY_LABELS}  # {comment(profile['target']['reason'])}",
            f"  column: {quoted(label['column'])}  # {comment(label['reason'])}",
            f"  separator: {quoted(profile['target']['separator'])}",
            *(f"  {line}" for line in _labels(profile["labels"])),
        ]
    return [
        "target:",
        f"  kind: {NUMBER}  # {comment(profile['target']['reason'])}",
        f"  column: {quoted(label['column'])}  # {comment(label['reason'])}",
        f"  # Numbers lie from {found['min']:.6g} to {found['max']:.6g}; set min and max if others cannot be right.",
    ]


def column(profile: Mapping[str, Any]) -> list[str]:
    """Of `data.columns`, that of the label; a section `target` names its own."""
    label = profile["roles"]["label"]
    if profile["target"]["kind"] != ONE_LABEL:
        return []
    return [f"    label: {quoted(label['column'])}  # {comment(label['reason'])}"]


def evaluator(profile: Mapping[str, Any]) -> list[str]:
    """Bounds that a linear model would keep."""
    lines = {NUMBER: _errors, MANY_LABELS: _averages, ONE_LABEL: _shares}[profile["target"]["kind"]](profile)
    return ["evaluator:", *lines, ""]


def drops(profile: Mapping[str, Any], drop: float, agreement: float, eval_rows: int) -> list[str]:
    """Lines of a draft's edge gate: what a bundle may lose, in the scores of its target, and how far it must agree.

    Args:
        profile: of the file.
        drop: loss of accuracy that is accepted where there is one label.
        agreement: share of equal labels that is asked for there.
        eval_rows: rows of the eval split.
    """
    kind = profile["target"]["kind"]
    chance = f"and what chance does on about {eval_rows} rows"
    least = shipping.agreement_bound(agreement, eval_rows)
    on_slice = shipping.drop_bound(2.5 * drop, 100)
    if kind == NUMBER:  # its loss is a share of the blessed model's error, several times that of an accuracy
        rise = _RISE * drop
        return [
            f"        max_drop: {{rmse: {shipping.drop_bound(rise, eval_rows):g}}}  # a share of it: {rise:g} {chance}",
            f"        max_slice_drop: {shipping.drop_bound(2.5 * rise, 100):g}",
            f"        min_agreement: {max(0.5, round(least - _SPREAD, 3)):g}  # of the variance of its answers",
        ]
    if kind == MANY_LABELS:
        return [
            f"        max_drop: {{micro_f1: {shipping.drop_bound(drop, eval_rows):g}}}  # {drop:g} {chance}",
            f"        max_slice_drop: {on_slice:g}",
            f"        min_agreement: {max(0.5, round(least - _SPREAD, 3)):g}  # F1 of the labels that both give",
        ]
    return [
        f"        max_accuracy_drop: {shipping.drop_bound(drop, eval_rows):g}  # {drop:g} {chance}",
        *training.rare_drop(profile["labels"], drop, eval_rows),
        f"        max_slice_drop: {on_slice:g}",
        f"        min_agreement: {least:g}",
    ]


def summary(profile: Mapping[str, Any]) -> str:
    """What the model does, for its card."""
    if profile["target"]["kind"] == NUMBER:
        return f"Gives a text a number, {comment(profile['roles']['label']['column'])}."
    labels, one = list(profile["labels"]), profile["target"]["kind"] == ONE_LABEL
    shown = ", ".join(labels[:_SHOWN]) + (f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else "")
    return f"Gives a text {'one' if one else 'any'} of {len(labels)} labels: {comment(shown)}."


def _labels(labels: Mapping[str, int]) -> list[str]:
    if len(labels) <= _SHOWN:
        counts = ", ".join(map(str, labels.values()))
        return [f"labels: [{', '.join(map(quoted, labels))}]  # rows: {counts}"]
    counted = sorted(labels.values())
    lines, width = ["labels:"], max(map(len, map(quoted, labels)))
    lines += [f"  - {quoted(label):<{min(width, 60)}}  # {count} rows" for label, count in labels.items()]
    lines[0] += f"  # {len(labels)}, with {counted[0]} to {counted[-1]} rows"
    return lines


def _shares(profile: Mapping[str, Any]) -> list[str]:
    result, labels = profile["linear"], profile["labels"]
    largest = max(labels.values()) / sum(labels.values())
    if result is None:
        lows = {"accuracy": round(largest, 2)}
        why = [f"  # too few rows to try a linear model on; to answer the most frequent label gives {largest:.3f}"]
    else:
        scores = result["scores"]
        lows = {name: math.floor(100 * scores[name]["low"]) / 100 for name in scores}
        if training.looked_for(labels):  # rows of the frequent label, answered right, hide the others in these
            del lows["accuracy"], lows["recall"]
        elif not training.unbalanced(labels):
            lows.pop("recall")
        told = ", ".join(f"{name} {scores[name]['value']:.3f}" for name in lows)
        why = [
            f"  # {result['model']}, cross-validated on {result['rows']:,} of these rows: {told}.",
            "  # A floor is what it would reach on the eval split even with bad luck; recall is the mean over labels.",
        ]
    return [*why, "  thresholds:", *(f"    {name}: {{min: {low:g}}}" for name, low in lows.items())]


def _averages(profile: Mapping[str, Any]) -> list[str]:
    result = profile["linear"]
    if result is None:
        return ["  # Too few rows, or too many labels, to try a linear model on: set floors after a first run."]
    scores = result["scores"]
    return [
        f"  # {result['model']}, cross-validated on {result['rows']:,} of these rows: "
        + ", ".join(f"{name} {score['value']:.3f}" for name, score in scores.items())
        + ".",
        "  # A floor is what it would reach on the eval split even with bad luck.",
        "  thresholds:",
        *(f"    {name}: {{min: {math.floor(100 * score['low']) / 100:g}}}" for name, score in scores.items()),
    ]


def _errors(profile: Mapping[str, Any]) -> list[str]:
    result, found = profile["linear"], profile["numbers"]
    if result is None:
        why = ["  # too few rows to try a linear model on; to answer the mean is as far off as numbers are spread"]
        high = found["deviation"]
    else:
        scores = result["scores"]
        high = scores["rmse"]["high"]
        why = [
            f"  # {result['model']}, cross-validated on {result['rows']:,} of these rows: RMSE "
            f"{scores['rmse']['value']:g}, R² {scores['r2']['value']:g}.",
            "  # The bound is what it would stay below on the eval split even with bad luck.",
        ]
    return [*why, "  thresholds:", f"    rmse: {{max: {_up(high):g}}}"]


def _up(value: float) -> float:
    """Rounded up to two digits."""
    if value <= 0:
        return value
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.3g}")
