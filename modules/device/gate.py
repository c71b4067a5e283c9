"""Decides which variant may ship: bounds first, then the objective. Pure arithmetic on measured numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from modules.device.settings import Gate, Objective

_BY_SCORE = "max_drop"  # the field of the gate with a bound a score


def missed(variant: Mapping[str, Any], gate: Gate) -> list[str]:
    """Says which bounds a variant does not keep.

    Args:
        variant: `accuracy`, `<score>_drop` of each score that is bounded, `slices` (`{name: {"rows", "<score>_drop"}}`
            of the target's main score alone), `bytes`, `size_ratio`, `latency_ratio` and `agreement`; or `error`.
        gate: the bounds.

    Returns:
        One sentence for each, with the metric, its value and its bound; empty if the variant may ship. A number that
        is missing or not finite keeps no bound.
    """
    if variant.get("error"):
        return [f"could not be made: {variant['error']}"]
    return [
        f"{name} is {_told(value)}, {side} {_told(bound)} is allowed"
        if side == "at most"
        else f"{name} is {_told(value)}, {side} {_told(bound)} is needed"
        for name, value, _, bound, side in _broken(variant, gate)
    ]


def nearest(variants: Mapping[str, Mapping[str, Any]], gate: Gate) -> tuple[str, dict[str, float]] | None:
    """The variant that missed least, and the bounds that would have let it through.

    Args:
        variants: by name, with the numbers that `missed` looks at.
        gate: the bounds.

    Returns:
        Its name, and the loosest need by field of the gate, rounded so that it passes; the variant with the fewest
        such fields, then with the least to give way, then the smallest. None where no variant can pass by its numbers.
    """
    able = []
    for name, variant in variants.items():
        broken = [] if variant.get("error") else _broken(variant, gate)
        if not broken or any(value is None or not math.isfinite(value) for _, value, *_ in broken):
            continue
        needs: dict[str, float] = {}
        way = 0.0
        for _, value, field, bound, side in broken:
            worst = max if side == "at most" else min
            needs[field] = worst(needs.get(field, bound), _passing(value, side))
            way += abs(value - bound) / max(abs(bound), 0.01)
        able.append((len(needs), way, variant.get("bytes", 0), name, needs))
    return min(able)[3:] if able else None


def _passing(value: float, side: str) -> float:
    """A bound that a value keeps, of two significant digits more or less."""
    if isinstance(value, int):
        return value
    step = 0.5 if value >= 2 else 0.05 if value > 1 else 0.005
    return round(math.ceil(value / step - 1e-9) * step if side == "at most" else math.floor(value / step) * step, 4)


def _broken(variant: Mapping[str, Any], gate: Gate) -> list[tuple[str, Any, str, float, str]]:
    """Bounds that are not kept: name, value, field of the gate, bound, and which side of it is right."""
    bounds = [
        ("accuracy_drop", variant.get("accuracy_drop"), "max_accuracy_drop", "at most"),
        ("macro_f1_drop", variant.get("macro_f1_drop"), "max_macro_f1_drop", "at most"),
        ("accuracy", variant.get("accuracy"), "min_accuracy", "at least"),
        ("size_ratio", variant.get("size_ratio"), "min_size_ratio", "at least"),
        ("bytes", variant.get("bytes"), "max_bytes", "at most"),
        ("latency_ratio", variant.get("latency_ratio"), "min_latency_ratio", "at least"),
        ("latency_p50_ms", variant.get("latency_p50_ms"), "max_latency_ms", "at most"),
        ("agreement", variant.get("agreement"), "min_agreement", "at least"),
    ]
    for metric in gate.max_drop:
        bounds.append((f"{metric}_drop", variant.get(f"{metric}_drop"), f"{_BY_SCORE}.{metric}", "at most"))
    for name, values in variant.get("slices", {}).items():
        drop = next((metric for metric in values if metric.endswith("_drop")), "drop")
        if values["rows"] >= gate.min_slice_rows:
            bounds.append((f"{drop} on {name}", values.get(drop), "max_slice_drop", "at most"))
    found = []
    for name, value, field, side in bounds:
        whole, _, metric = field.partition(".")
        bound = gate.max_drop[metric] if metric else getattr(gate, whole)
        if bound is not None and not _kept(value, bound, side):
            found.append((name, value, field, bound, side))
    return found


def select(variants: Mapping[str, Mapping[str, Any]], objective: Objective) -> str | None:
    """The variant to ship.

    Args:
        variants: by name those that may ship, with `bytes` and `latency_p50_ms`.
        objective: `smallest` bytes, `fastest` p50, or `balanced`: the smallest product of both.

    Returns:
        Its name; None if there is none. Of equals, the first in alphabetical order.

    Raises:
        ValueError: an unknown objective.
    """
    scores = {
        "smallest": lambda variant: variant["bytes"],
        "fastest": lambda variant: variant["latency_p50_ms"],
        "balanced": lambda variant: math.log(variant["bytes"]) + math.log(max(variant["latency_p50_ms"], 1e-6)),
    }
    if objective not in scores:
        raise ValueError(f"objective is {objective!r}; known are {', '.join(scores)}.")
    return min(sorted(variants), key=lambda name: scores[objective](variants[name]), default=None)


def pareto(variants: Mapping[str, Mapping[str, Any]], keys: Sequence[tuple[str, int]]) -> list[str]:
    """Names of the variants that no other beats in everything.

    Args:
        variants: by name, with finite numbers under each key.
        keys: what counts: a key and 1 where more is better, -1 where less is.

    Returns:
        Names in their order in `variants`.
    """

    def beats(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        differences = [sign * (one[key] - other[key]) for key, sign in keys]
        return min(differences) >= 0 and max(differences) > 0

    return [name for name, own in variants.items() if not any(beats(other, own) for other in variants.values())]


def _kept(value: Any, bound: float, side: str) -> bool:
    if value is None or not math.isfinite(value):
        return False
    # A drop that equals its bound up to rounding keeps it.
    return value <= bound + 1e-9 if side == "at most" else value >= bound - 1e-9


def _told(value: Any) -> str:
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
