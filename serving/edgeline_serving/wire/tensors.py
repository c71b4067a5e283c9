"""Rows out of the Open Inference Protocol's tensors, an input a column, and answers back into tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgeline_serving.backends.base import Answer, Backend, Column, Row
from edgeline_serving.errors import RequestError
from edgeline_serving.wire import forms
from edgeline_serving.wire.kserve_parts import InferInput, InferOutput, InferRequest, InferResponse

LABEL, PROBABILITIES, DECISION = "label", "probabilities", "decision"
_KINDS = {"BYTES": "O", "INT64": "iu", "FP32": "iuf"}


def rows_of_v2(request: InferRequest, columns: Sequence[Column], most: int) -> list[Row]:
    """Reads the inputs of a request.

    Args:
        request: as KServe read it.
        columns: that the model reads; a single one may be called anything.
        most: rows of a request.

    Returns:
        The rows.

    Raises:
        RequestError: an input is missing, of another type or shape, or there are too many rows.
    """
    if len(columns) == 1 and len(request.inputs) == 1:
        named = {columns[0].name: request.inputs[0]}
    else:
        named = {given.name: given for given in request.inputs}
    missing = [column.name for column in columns if column.name not in named and not column.optional]
    if missing:
        raise RequestError(400, f"there is no input {', '.join(missing)}")
    types = {column.name: column for column in columns}
    values = {name: _values(given, types.get(name), f"inputs[{name[:64]}]", most) for name, given in named.items()}
    counts = {len(found) for found in values.values()}
    if len(counts) != 1:
        raise RequestError(400, f"the inputs have different numbers of rows: {', '.join(map(str, sorted(counts)))}")
    [count] = counts
    rows = [{name: found[number] for name, found in values.items()} for number in range(count)]
    return [forms.row_of(row, columns, f"row {number}") for number, row in enumerate(rows)]


def response_of(request: InferRequest, backend: Backend, answers: Sequence[Answer], *, model: str, version: str) -> Any:
    """The answers as tensors: `label` and `probabilities`, or the model's own outputs.

    Of several labels, `decision` stands in the place of `label`: 1 for each that is answered.

    Args:
        request: for its id, and for the form that it wants.
        backend: what answered.
        answers: one a row.
        model: its name.
        version: which one answered.
    """
    outputs = []
    for name, array in _arrays(backend, answers).items():
        output = InferOutput(
            name=name, shape=list(array.shape), datatype=_datatype(array), parameters=_parameters(name, backend)
        )
        output.set_data_from_numpy(array, binary_data=bool(request.use_binary_outputs))
        outputs.append(output)
    return InferResponse(
        response_id=request.id or "",
        model_name=model,
        model_version=version,
        infer_outputs=outputs,
        use_binary_outputs=request.use_binary_outputs,
        requested_outputs=request.request_outputs,
    )


def outputs_of(backend: Backend) -> list[dict[str, Any]]:
    """What `response_of` gives, for the metadata; nothing where the model's own outputs are given."""
    if not backend.labels:
        return []
    answered = {"name": LABEL, "datatype": "BYTES", "shape": [-1]}
    if backend.several:
        answered = {"name": DECISION, "datatype": "FP32", "shape": [-1, len(backend.labels)]}
    return [
        answered,
        {"name": PROBABILITIES, "datatype": "FP32", "shape": [-1, len(backend.labels)]},
    ]


def _values(given: InferInput, column: Column | None, where: str, most: int) -> list[Any]:
    shape = list(given.shape)
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1) or min(shape) < 0:
        raise RequestError(400, f"{where} must have the shape [rows] or [rows, 1], has {shape[:8]}")
    forms.check_count(shape[0], most)
    if given.datatype == "BYTES" and given.data and not all(isinstance(item, (str, bytes)) for item in given.data):
        raise RequestError(400, f"{where} is of BYTES, so its data must be strings")
    try:
        array = given.as_numpy().reshape(-1)
    except Exception as error:  # KServe and NumPy raise many kinds, some with the data in their message
        raise RequestError(400, f"the data of {where} are not {shape} of {given.datatype[:16]}") from error
    if column and array.dtype.kind not in _KINDS[column.datatype]:
        raise RequestError(400, f"{where} must be {column.datatype}, is {given.datatype[:16]}")
    return [_text(item, where) if isinstance(item, bytes) else item for item in array.tolist()]


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(400, f"{where} is not UTF-8") from error


def _arrays(backend: Backend, answers: Sequence[Answer]) -> dict[str, np.ndarray]:
    if backend.labels:
        scores = [list(answer["scores"].values()) for answer in answers]
        probabilities = np.array(scores, np.float32).reshape(len(answers), len(backend.labels))
        if backend.several:
            there = [[label in answer["labels"] for label in backend.labels] for answer in answers]
            return {DECISION: np.array(there, np.float32).reshape(probabilities.shape), PROBABILITIES: probabilities}
        return {LABEL: np.array([answer["label"] for answer in answers], object), PROBABILITIES: probabilities}
    names: Mapping[str, Any] = answers[0] if answers else {}
    found = {name: np.array([answer[name] for answer in answers]) for name in names}
    return {name: _narrowed(array) for name, array in found.items()}


def _narrowed(array: np.ndarray) -> np.ndarray:
    """As the metadata of a SavedModel has it: float32, int64, or bytes."""
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    return array.astype(object) if array.dtype.kind in "US" else array


def _datatype(array: np.ndarray) -> str:
    return {"f": "FP32", "i": "INT64", "b": "BOOL"}.get(array.dtype.kind, "BYTES")


def _parameters(name: str, backend: Backend) -> dict[str, str]:
    """The names behind the numbers of labels, which a tensor has no place for."""
    of_labels = name in (DECISION, PROBABILITIES) and backend.labels
    return {"labels": json.dumps(backend.labels, ensure_ascii=False)} if of_labels else {}
