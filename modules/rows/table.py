"""The columns beside a text as numbers, for a linear model: what a device makes of them, and what is a number, counted.

Each input that plays `fitted` finds in the rows of `train` what Transform would find in them; the edge package makes
its tensors; of those that count values (a category's), each value is a column of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from modules.inputs.base import Input
from modules.inputs.kinds import Inputs, playing
from modules.rows.raw import RawSplit

import numpy as np
from scipy import sparse

_SOME = 4096  # rows at once


def with_table(splits: Mapping[str, RawSplit], inputs: Inputs, *, train: str) -> dict[str, RawSplit]:
    """The same splits, each with its table.

    Args:
        splits: by name, with the columns of the inputs among `others`.
        inputs: of the task.
        train: name of the split that says how the others are scaled and which values there are.

    Returns:
        By name; without a table where no input plays the role.
    """
    parts = [
        fit(part, splits[train].others[part.column])
        for part, fit in playing(inputs, "fitted").values()
        if part.column in splits[train].others
    ]
    if not parts:
        return dict(splits)
    return {name: dataclasses.replace(split, table=_table(split, parts)) for name, split in splits.items()}


def _table(split: RawSplit, parts: list[Input]) -> Any:
    """Sparse float32 `[rows, columns]`."""
    from edgeline_edge.inputs import kinds

    found = []
    for part in parts:
        section = {
            **{"name": part.name, "kind": part.kind, "column": part.column},
            "tensors": [tensor.name for tensor in part.tensors()],
            **part.part("device")(part, "").section,
        }
        [encoder] = kinds.table([section])
        largest, values = encoder.largest(), split.others[part.column]
        for start in range(0, max(len(values), 1), _SOME):
            rows = [encoder.encode(_said(value)) for value in values[start : start + _SOME]]
            found.append((part.name, start, _columns(rows, largest)))
    blocks: dict[str, list[Any]] = {}
    for name, _, block in found:
        blocks.setdefault(name, []).append(block)
    return sparse.hstack([sparse.vstack(of_input) for of_input in blocks.values()], format="csr")


def _said(value: Any) -> Any:
    """A value as a record says it: of a number that is missing, nothing."""
    return None if isinstance(value, float) and np.isnan(value) else value


def _columns(rows: list[Mapping[str, np.ndarray]], largest: Mapping[str, np.ndarray]) -> Any:
    """What some rows have of an input, side by side."""
    made = []
    for name, example in largest.items():
        stacked = np.concatenate([row[name] for row in rows]) if rows else np.zeros((0, *example.shape[1:]))
        if np.issubdtype(example.dtype, np.integer):
            made.append(
                sparse.csr_matrix(np.eye(int(example.max()) + 1, dtype=np.float32)[stacked.reshape(-1).astype(int)])
            )
        else:
            width = int(np.prod(example.shape[1:]))
            made.append(sparse.csr_matrix(stacked.reshape(-1, width).astype(np.float32)))
    return sparse.hstack(made, format="csr")
