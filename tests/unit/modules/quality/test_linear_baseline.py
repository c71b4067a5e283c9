"""How candidates of a linear model are compared."""

from __future__ import annotations

from modules.quality.linear_baseline import compare

import pytest


@pytest.mark.parametrize(("lower", "best"), [(False, "c!"), (True, "a")])
def test_the_first_of_equals_stays_and_the_best_one_suggests_more(lower: bool, best: str) -> None:
    scores = {"a": 1.0, "b": 1.0, "c": 2.0, "c!": 3.0, "a!": 1.0}
    asked: list[str] = []

    def fit(candidate: str) -> tuple[float, str]:
        asked.append(candidate)
        return scores[candidate], f"model of {candidate}"

    found = compare(["a", "b", "c"], fit, lambda kept: [f"{kept}!"], str, lower_is_better=lower)
    assert asked == ["a", "b", "c", "a!" if lower else "c!"]
    assert found.scores == [(name, scores[name]) for name in asked]
    assert (found.best, found.model) == (best, f"model of {best}")
