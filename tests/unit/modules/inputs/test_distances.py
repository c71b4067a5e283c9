"""How far two summaries of an input are apart, whatever its kind."""

from __future__ import annotations

import types

from modules.inputs.distances import apart, divergence, lacking, shares

import numpy as np
import pytest


def test_counts_are_apart_by_their_shares_and_not_by_their_sums() -> None:
    assert divergence({"a": 1, "b": 3}, {"b": 30, "a": 10}) == pytest.approx(0.0, abs=1e-12)
    assert divergence({"a": 5}, {"b": 1}) == pytest.approx(1.0)
    # By hand: both are half of 3/4 and 1/4 apart from their mean of one half.
    kept = 0.75 * np.log2(0.75 / 0.5) + 0.25 * np.log2(0.25 / 0.5)
    assert divergence({0: 3, 1: 1}, {0: 1, 1: 3}) == pytest.approx(kept)
    np.testing.assert_allclose(shares({"a": 1, "b": 1}, {"b": 4}), [[0.5, 0.5], [0.0, 1.0]])


@pytest.mark.parametrize("nothing", [{}, {0: 0, 1: 0}])
def test_nothing_is_as_far_from_something_as_can_be(nothing: dict[int, int]) -> None:
    assert divergence(nothing, {}) == divergence(nothing, nothing) == 0.0
    assert divergence(nothing, {0: 2, 1: 1}) == divergence({0: 2, 1: 1}, nothing) == 1.0
    assert (apart([], []), apart([], [1.0]), apart([1.0], [])) == (0.0, 1.0, 1.0)


def test_a_number_that_many_rows_share_is_a_step() -> None:
    assert apart([0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0]) == pytest.approx(0.5)


def test_rows_without_a_value_are_compared_by_their_share() -> None:
    one, other = (types.SimpleNamespace(rows=rows, missing=missing) for rows, missing in ((10, 5), (4, 1)))
    found = lacking(one, other)
    assert (found.feature, found.measure, found.value) == ("missing", "absolute_difference", 0.25)
    assert lacking(types.SimpleNamespace(rows=0, missing=0), other).value == 0.25
