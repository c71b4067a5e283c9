"""`modules.device.gate.nearest`: what would have let a variant through. The bounds themselves: test_measure.py."""

from __future__ import annotations

from typing import Any

from modules.device.gate import missed, nearest
from modules.device.settings import Gate

import pytest

GATE = Gate(max_accuracy_drop=0.01, max_macro_f1_drop=0.05, min_size_ratio=12, min_latency_ratio=4, min_agreement=0.98)
PASSES: dict[str, Any] = {
    "accuracy_drop": 0.0, "macro_f1_drop": 0.0, "size_ratio": 13.0, "latency_ratio": 5.0, "agreement": 0.99, "bytes": 5,
    "slices": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "needs"),
    [
        ({"size_ratio": 9.87}, {"min_size_ratio": 9.5}),
        ({"latency_ratio": 1.38}, {"min_latency_ratio": 1.35}),
        ({"accuracy_drop": 0.0312}, {"max_accuracy_drop": 0.035}),
        # A student that answers `ham` whatever is asked, where 1 % are spam.
        ({"accuracy_drop": 0.009, "macro_f1_drop": 0.41}, {"max_macro_f1_drop": 0.41}),
        ({"agreement": 0.9312}, {"min_agreement": 0.93}),
        (
            {"slices": {"a:1": {"rows": 200, "accuracy_drop": 0.04}, "a:2": {"rows": 200, "accuracy_drop": 0.03}}},
            {"max_slice_drop": 0.04},
        ),
    ],
)
def test_a_variant_passes_with_what_is_named(changed: dict[str, Any], needs: dict[str, float]) -> None:
    variant = {**PASSES, **changed}
    assert nearest({"x": variant}, GATE) == ("x", needs)
    assert missed(variant, GATE)
    assert missed(variant, GATE.model_copy(update=needs)) == []


def test_the_nearest_has_the_fewest_bounds_to_give_way_then_the_least() -> None:
    one, far = {**PASSES, "size_ratio": 9.0}, {**PASSES, "size_ratio": 6.0}
    two = {**PASSES, "size_ratio": 11.9, "agreement": 0.979}
    found = nearest({"two": two, "far": far, "one": one}, GATE)
    assert found is not None
    assert found[0] == "one"


def test_what_has_no_numbers_or_passes_is_not_near() -> None:
    broken = {"error": "does not convert"}
    unknown = {**PASSES, "latency_ratio": None}
    assert nearest({"broken": broken, "unknown": unknown, "passes": PASSES}, GATE) is None


def test_milliseconds_can_be_bounded() -> None:
    nothing = dict.fromkeys(
        ("max_accuracy_drop", "max_slice_drop", "min_size_ratio", "min_latency_ratio", "min_agreement")
    )
    gate = Gate(max_latency_ms=2.1, **nothing)
    assert missed({"latency_p50_ms": 2.2}, gate) == ["latency_p50_ms is 2.2, at most 2.1 is allowed"]
    assert not missed({"latency_p50_ms": 2.1}, gate)
