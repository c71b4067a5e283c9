"""Checks a JSON value against the part of JSON Schema (draft 2020-12) that the manifest's schema uses.

The schema file stays the one definition that other languages can use as it is; a full validator would be the
largest dependency of this package.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

_KNOWN = {
    "$schema", "$defs", "$ref", "title", "description", "type", "const", "enum", "properties", "required",
    "additionalProperties", "items", "minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern",
    "minimum", "maximum",
}  # fmt: skip


@functools.lru_cache(maxsize=2)
def manifest_schema(version: int = 1) -> dict[str, Any]:
    """The JSON schema of manifests, as shipped in `data/`.

    Args:
        version: of the format, 1 or 2.
    """
    name = {1: "data/manifest-1.schema.json", 2: "data/manifest-2.schema.json"}[version]
    content: dict[str, Any] = json.loads(resources.files(__package__).joinpath(name).read_text("utf-8"))
    return content


def problems(value: object, schema: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Lists what is wrong with a value.

    Args:
        value: what `json.loads` returned.
        schema: the schema; that of manifests of version 1 by default.

    Yields:
        One sentence for each violation, beginning with the path of the field.

    Raises:
        NotImplementedError: the schema uses a keyword that this module does not know.
    """
    root = manifest_schema() if schema is None else schema
    yield from _check(value, root, root, "")


def _check(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    unknown = schema.keys() - _KNOWN
    if unknown:
        raise NotImplementedError(f"schema keywords {sorted(unknown)}")
    if "$ref" in schema:
        yield from _check(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, path)
        return
    where = path or "the manifest"
    if "const" in schema and (value != schema["const"] or isinstance(value, bool)):
        yield f"{where} must be {schema['const']!r}, is {_short(value)}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} must be one of {schema['enum']}, is {_short(value)}"
    if "type" in schema and not _is(value, schema["type"]):
        yield f"{where} must be of type {schema['type']}, is {_short(value)}"
        return
    if isinstance(value, dict):
        yield from _check_object(value, schema, root, path)
    elif isinstance(value, list):
        yield from _check_array(value, schema, root, path)
    elif isinstance(value, str):
        yield from _check_string(value, schema, where)
    elif isinstance(value, (int, float)):
        yield from _check_number(value, schema, where)


def _check_object(
    value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{_join(path, name)} is missing"
    extra = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in known:
            yield from _check(item, known[name], root, _join(path, name))
        elif extra is False:
            yield f"{_join(path, name)} is not a known field"
        elif extra is not True:
            yield from _check(item, extra, root, _join(path, name))


def _check_array(value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    low, high = schema.get("minItems", 0), schema.get("maxItems", math.inf)
    if not low <= len(value) <= high:
        yield f"{path} must have {low} to {high} items, has {len(value)}"
        return
    if schema.get("uniqueItems") and len({json.dumps(item, sort_keys=True) for item in value}) < len(value):
        yield f"{path} holds an item twice"
    if "items" in schema:
        for index, item in enumerate(value):
            yield from _check(item, schema["items"], root, f"{path}[{index}]")


def _check_string(value: str, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    low, high = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    if not low <= len(value) <= high:
        yield f"{path} must have {low} to {high} characters, has {len(value)}"
    elif "pattern" in schema and not re.search(schema["pattern"].replace("$", r"\Z"), value):
        yield f"{path} must match {schema['pattern']}, is {_short(value)}"


def _check_number(value: float, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    if not low <= value <= high:
        yield f"{path} must lie between {low} and {high}, is {_short(value)}"


def _is(value: object, kind: str) -> bool:
    if kind in ("integer", "number"):
        return isinstance(value, int if kind == "integer" else (int, float)) and not isinstance(value, bool)
    return isinstance(value, {"object": dict, "array": list, "string": str, "boolean": bool}[kind])


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
