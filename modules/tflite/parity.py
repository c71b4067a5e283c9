"""Does a converted file compute what the Keras model computes? Numbers, not hopes, for every recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from modules.rows.transformed import lengths
from modules.tensors import Layout
from modules.tflite.output import Floats, Output

import numpy as np
from numpy.typing import NDArray

_WORST = 5


@dataclasses.dataclass(frozen=True)
class Parity:
    """Difference of outputs between a file and the Keras model.

    Attributes:
        rows: rows compared.
        max_abs: largest absolute difference.
        mean_abs: mean absolute difference.
        agreement: how far both agree, as the target's `Output` has it: of one label the share of rows.
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


def run(
    content: bytes, features: Mapping[str, NDArray[Any]], layout: Layout, output: Output, *, threads: int = 2
) -> Floats:
    """Outputs of a `.tflite` file, by LiteRT, each row through the shortest of its windows that holds it.

    Args:
        content: the file.
        features: by name, `[rows, *shape]`.
        layout: what they are.
        output: the target's.
        threads: of the interpreter.

    Returns:
        float32 `[rows, outputs]`.

    Raises:
        RuntimeError: LiteRT cannot load or run the file.
        ValueError: LiteRT refuses the file.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=threads)
    mask, count = layout.mask, len(features[layout.tensors[0].name])
    runners = {
        int(runner.get_input_details()[mask]["shape"][1]) if mask else 0: runner
        for runner in map(interpreter.get_signature_runner, interpreter.get_signature_list())
    }
    rows = []
    for number, used in enumerate(lengths(features, mask, count)):
        window = min((length for length in runners if length >= used), default=max(runners))
        row = {name: values[number : number + 1] for name, values in features.items()}
        rows.append(runners[window](**windowed(row, layout, window))[output.name][0])
    return np.stack(rows).astype(np.float32)


def windowed(features: Mapping[str, NDArray[Any]], layout: Layout, length: int) -> dict[str, NDArray[Any]]:
    """What a signature takes of some rows.

    Args:
        features: by name, `[rows, *shape]`.
        layout: what they are.
        length: of the signature's window; longer rows are cut.
    """
    return {
        tensor.name: features[tensor.name][:, :length] if tensor.window else features[tensor.name]
        for tensor in layout.tensors
    }


def compare(expected: Floats, got: Floats, output: Output, rows: Sequence[int] | None = None) -> Parity:
    """Compares two sets of outputs.

    Args:
        expected: the Keras model's, float32 `[rows, outputs]`.
        got: the file's, of the same shape.
        output: the target's.
        rows: the rows' numbers in their split; 0, 1, 2 … without.

    Returns:
        The report; a value that is not finite counts as a difference of 1, or of all that is expected.

    Raises:
        ValueError: the shapes differ or are empty.
    """
    if expected.shape != got.shape or not len(expected):
        raise ValueError(f"outputs of shape {expected.shape} cannot be compared with {got.shape}.")
    worst_case = max(1.0, float(np.ptp(expected)))
    difference = np.nan_to_num(np.abs(expected - got), nan=worst_case, posinf=worst_case)
    by_row = difference.max(axis=1)
    names = list(rows) if rows is not None else list(range(len(expected)))
    worst = np.argsort(-by_row, kind="stable")[:_WORST]
    return Parity(
        rows=len(expected),
        max_abs=float(difference.max()),
        mean_abs=float(difference.mean()),
        agreement=output.agreement(output.undecided(got), output.undecided(expected)),
        worst=[{"row": int(names[index]), "difference": float(by_row[index])} for index in worst],
    )
