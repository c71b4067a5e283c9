"""The reference of all settings: docs/settings.md, made from the classes themselves.

Nothing here imports TensorFlow or TFX.
"""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from modules.inputs.base import Input
from modules.inputs.kinds import INPUTS
from modules.network.backbones.base import BACKBONES, Backbone
from modules.settings import Section
from modules.targets.base import Target
from modules.targets.kinds import TARGETS

from pydantic_core import PydanticUndefined

from pipeline.config.task import Config

_HEAD = """# Settings

Every field of a configuration, `configs/<task>.yaml`, with its default: made from the classes by `make golden`.
`--set a.b=c` replaces one value of a run.
"""
_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
_SIZES = {"minItems": "at least", "maxItems": "at most"}
_NAMES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true, false", "null": "empty"}


def page() -> str:
    """The text of docs/settings.md."""
    parts = [_HEAD]
    for name, section, default in _sections(Config, None, ""):
        parts.append(f"## {name or 'The file'}\n\n{inspect.getdoc(section)}\n\n{_table(section, default)}")
    return "\n".join(parts)


def _sections(
    model: type[Section], default: Section | None, name: str
) -> Iterator[tuple[str, type[Section], Section | None]]:
    """A section and those inside it, each with its place in the file and the object that is its default."""
    yield name, model, default
    for field, info in model.model_fields.items():
        value = getattr(default, field) if default is not None else info.get_default(call_default_factory=True)
        place = f"{name}.{field}" if name else field
        found = list(_inside(info.annotation, place))
        for inner, where in found:
            kind = f" (`kind: {get_args(inner.model_fields['kind'].annotation)[0]}`)" if len(found) > 1 else ""
            yield from _sections(inner, value if isinstance(value, inner) else None, where + kind)


def _inside(annotation: Any, place: str) -> Iterator[tuple[type[Section], str]]:
    """The sections that a field holds, each with its place: `[]` is an item of a list, `<name>` a key."""
    for base, kinds in ((Input, INPUTS), (Target, TARGETS), (Backbone, BACKBONES)):
        if annotation is base:
            if base is not Backbone or place == "backbone":  # that of an input is the same
                yield from ((kinds[kind], place) for kind in kinds.own)
            return
    if isinstance(annotation, type) and issubclass(annotation, Section):
        # The page is the project's: what an extension brings documents itself.
        own = (kind for kind in annotation.alternatives() if kind.__module__.split(".")[0] in ("modules", "pipeline"))
        yield from ((kind, place) for kind in own)
        return
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _inside(arguments[0], place)
    elif origin in (Union, types.UnionType):
        for argument in arguments:
            yield from _inside(argument, place)
    elif origin is list:
        yield from _inside(arguments[0], f"{place}[]")
    elif origin is dict:
        yield from _inside(arguments[1], f"{place}.<name>")


def _table(section: type[Section], default: Section | None) -> str:
    schema = section.model_json_schema()
    rows = ["| Field | Default | Takes | What it is |", "|---|---|---|---|"]
    for field, info in section.model_fields.items():
        if info.exclude:  # a key of the file, not a field
            continue
        value = getattr(default, field) if default is not None else info.get_default(call_default_factory=True)
        takes = _takes(schema["properties"][field], schema.get("$defs", {}))
        rows.append(f"| `{field}` | {_default(value)} | {takes} | {_cell(info.description or '')} |")
    return "\n".join(rows) + "\n"


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "needed"
    if isinstance(value, Section):
        return "below"
    if value is None or value in ([], {}):
        return "empty"
    return f"`{_cell(json.dumps(value, ensure_ascii=False))}`"


def _takes(schema: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _takes(known[schema["$ref"].rpartition("/")[2]], known)
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_takes(item, known) for item in schema[several]))
    kind = schema.get("type", "any value")
    limits = [f"{words} {schema[key]:g}" for key, words in _BOUNDS.items() if key in schema]
    if kind == "array":
        limits = [f"{words} {schema[key]}" for key, words in _SIZES.items() if key in schema]
        items = _takes(schema["items"], known) if "items" in schema else "values"
        return " ".join(["list of", items, *([f"({', '.join(limits)})"] if limits else [])])
    if kind == "object":
        return "section" if "properties" in schema else "values by name"
    return ", ".join([_NAMES.get(kind, kind), *limits])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
