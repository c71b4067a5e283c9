"""Rows out of V1's `instances`, checked by the columns that a model reads; messages name places, never contents."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from edgeline_serving.backends.base import Column, Row
from edgeline_serving.errors import RequestError

_MOST_OTHERS = 32  # columns that a client sends besides, for the log
_LONGEST_NAME = 200
_WANTED = {"BYTES": "a string", "INT64": "a whole number", "FP32": "a number"}


def rows_of_v1(payload: Any, columns: Sequence[Column], most: int) -> list[Row | str]:
    """Reads the body of a `:predict` request.

    Args:
        payload: as JSON gave it; or the body, where the client did not call it JSON, as curl does not by itself.
        columns: that the model reads.
        most: rows of a request.

    Returns:
        For each instance a row, or what is wrong with it.

    Raises:
        RequestError: the body has another form, too many instances, or none that can be read.
    """
    if isinstance(payload, bytes):
        payload = _parsed(payload)
    instances = payload.get("instances") if isinstance(payload, dict) else None
    if not isinstance(instances, list):
        raise RequestError(400, 'the body must be {"instances": [' + _example(columns) + ", …]}")
    check_count(len(instances), most)
    rows: list[Row | str] = []
    for number, instance in enumerate(instances):
        try:
            rows.append(row_of(instance, columns, f"instances[{number}]"))
        except RequestError as error:
            rows.append(str(error))
    if rows and all(isinstance(row, str) for row in rows):
        raise RequestError(400, str(rows[0]))
    return rows


def label_of_v1(payload: Any, labels: Sequence[str]) -> str | None:
    """The label that an `:explain` request asks about; None where it means the answered one.

    Args:
        payload: as `rows_of_v1` takes it, which has read it already.
        labels: of the model.

    Raises:
        RequestError: it is none of the labels.
    """
    label = (_parsed(payload) if isinstance(payload, bytes) else payload).get("label")
    if label is not None and label not in labels:
        raise RequestError(400, f"label must be one of {', '.join(labels)}" if labels else "this model has no labels")
    return None if label is None else str(label)


def check_count(rows: int, most: int) -> None:
    """Refuses more rows than a request may have.

    Raises:
        RequestError: there are more.
    """
    if rows > most:
        raise RequestError(413, f"{rows} rows, at most {most} are answered at once")


def row_of(instance: Any, columns: Sequence[Column], where: str) -> Row:
    """One row.

    Args:
        instance: an object with the columns, or the value itself where there is one column.
        columns: that the model reads.
        where: what to call it in a message.

    Returns:
        The values by column, without those of optional ones that it lacks; what else the client sent is kept for the
        log, if it is a plain value.

    Raises:
        RequestError: a column is missing or of another type.
    """
    if not isinstance(instance, Mapping):
        if len(columns) > 1:
            raise RequestError(400, f"{where} must be an object with {', '.join(column.name for column in columns)}")
        return {columns[0].name: value_of(instance, columns[0], where)}
    row: dict[str, Any] = {}
    known = {column.name for column in columns}
    for column in columns:
        value = instance.get(column.name)
        if column.optional and (value is None or (isinstance(value, float) and math.isnan(value))):
            continue
        if column.name not in instance:
            raise RequestError(400, f"{where} lacks {column.name!r}")
        row[column.name] = value_of(value, column, f"{where}.{column.name}")
    return {**others({name: instance[name] for name in instance if name not in known}), **row}


def others(found: Mapping[str, Any]) -> dict[str, Any]:
    """Of what a client sent besides the columns the first plain values, by names that are no longer than reasonable."""
    plain = {
        name: value
        for name, value in found.items()
        if len(name) <= _LONGEST_NAME and isinstance(value, (str, int, float, bool))
    }
    return dict(list(plain.items())[:_MOST_OTHERS])


def value_of(value: Any, column: Column, where: str) -> Any:
    """A value, of the type of its column.

    Raises:
        RequestError: it is of another one.
    """
    if column.datatype == "BYTES":
        fits = isinstance(value, str)
    elif column.datatype == "INT64":
        fits = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    else:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and _is_finite(value)
    if not fits:
        raise RequestError(400, f"{where} must be {_WANTED[column.datatype]}, is {type(value).__name__}")
    return value


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise RequestError(400, f"the body is not JSON{place}") from None


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _example(columns: Sequence[Column]) -> str:
    examples = {"BYTES": '"a text"', "INT64": "1", "FP32": "1.0"}
    if len(columns) == 1:
        return examples[columns[0].datatype]
    return "{" + ", ".join(f'"{column.name}": {examples[column.datatype]}' for column in columns) + "}"
