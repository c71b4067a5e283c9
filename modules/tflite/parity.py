"""Does a converted file compute what the Keras model computes? Numbers, not hopes, for every recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from modules.text.features import PADDING_MASK, TOKEN_IDS

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_WORST = 5


@dataclasses.dataclass(frozen=True)
class Parity:
    """Difference of probabilities between a file and the Keras model.

    Attributes:
        rows: rows compared.
        max_abs: largest absolute difference.
        mean_abs: mean absolute difference.
        agreement: share of rows with the same most probable label.
        worst: row numbers with the largest differences, each with its difference, largest first.
    """

    rows: int
    max_abs: float
    mean_abs: float
    agreement: float
    worst: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return dataclasses.asdict(self)


def run(content: bytes, token_ids: NDArray[np.int32], padding_mask: NDArray[np.int32], *, threads: int = 2) -> Floats:
    """Probabilities of a `.tflite` file, by LiteRT, each row through the shortest of its windows that holds it.

    Args:
        content: the file.
        token_ids: int32 `[rows, seq]`.
        padding_mask: int32 `[rows, seq]`.
        threads: of the interpreter.

    Returns:
        float32 `[rows, classes]`.

    Raises:
        RuntimeError: LiteRT cannot load or run the file.
        ValueError: LiteRT refuses the file.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=threads)
    runners = {
        int(runner.get_input_details()[TOKEN_IDS]["shape"][1]): runner
        for runner in map(interpreter.get_signature_runner, interpreter.get_signature_list())
    }
    rows = []
    for ids, mask in zip(token_ids, padding_mask, strict=True):
        window = min((length for length in runners if length >= mask.sum()), default=max(runners))
        feed = {TOKEN_IDS: ids[None, :window], PADDING_MASK: mask[None, :window]}
        rows.append(runners[window](**feed)["probabilities"][0])
    return np.stack(rows).astype(np.float32)


def compare(expected: Floats, got: Floats, rows: Sequence[int] | None = None) -> Parity:
    """Compares two sets of probabilities.

    Args:
        expected: the Keras model's, float32 `[rows, classes]`.
        got: the file's, of the same shape.
        rows: the rows' numbers in their split; 0, 1, 2 … without.

    Returns:
        The report; a value that is not finite counts as a difference of 1.

    Raises:
        ValueError: the shapes differ or are empty.
    """
    if expected.shape != got.shape or not len(expected):
        raise ValueError(f"probabilities of shape {expected.shape} cannot be compared with {got.shape}.")
    difference = np.nan_to_num(np.abs(expected - got), nan=1.0, posinf=1.0)
    by_row = difference.max(axis=1)
    names = list(rows) if rows is not None else list(range(len(expected)))
    worst = np.argsort(-by_row, kind="stable")[:_WORST]
    return Parity(
        rows=len(expected),
        max_abs=float(difference.max()),
        mean_abs=float(difference.mean()),
        agreement=float(np.mean(expected.argmax(axis=1) == got.argmax(axis=1))),
        worst=[{"row": int(names[index]), "difference": float(by_row[index])} for index in worst],
    )
