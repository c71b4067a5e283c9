"""What Evaluator found: slices by the values that the rows have."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401
from modules.quality.tfma import results

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"bytes_value": b""}, "shop:"), ({"bytes_value": b"0"}, "shop:0"),
        ({"bytes_value": "ü:[/b]".encode()}, "shop:ü:[/b]"),
        ({"int64_value": 0}, "shop:0"), ({"float_value": 0.5}, "shop:0.5"),
    ],
)  # fmt: skip
def test_a_slice_is_called_by_its_value_an_empty_one_too(value: dict[str, Any], name: str) -> None:
    """A value that is falsy is not absent: an empty text was called 0.0."""
    from tensorflow_model_analysis.proto import metrics_for_slice_pb2

    key = metrics_for_slice_pb2.SliceKey(
        single_slice_keys=[metrics_for_slice_pb2.SingleSliceKey(column="shop", **value)]
    )
    assert results.slice_name(key) == name
