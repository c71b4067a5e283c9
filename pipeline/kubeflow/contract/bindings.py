"""Values inside a node's JSON settings that a parameter of the run replaces.

TFX packs most settings into JSON strings, where Kubeflow's own parameters cannot reach. A binding says where in a
node's settings a parameter's value goes; the container entry point puts it there before the node starts.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.config.rows import span_pattern


class BindingError(ValueError):
    """A binding points to something that is not there."""


@dataclasses.dataclass(frozen=True)
class Binding:
    """One place that a parameter decides.

    Attributes:
        parameter: name of the run's parameter.
        prop: the node's execution property.
        pointer: where inside its JSON, as a JSON Pointer (RFC 6901); empty replaces the property itself.
        form: how a string is written, `{}` being the value.
        scale: a number is multiplied by it.
        add: then added to it.
        part: `folder` or `file` takes that part of a path; a pattern of spans is a file.
    """

    parameter: str
    prop: str
    pointer: str = ""
    form: str = "{}"
    scale: float = 1.0
    add: float = 0.0
    part: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, without what is as usual."""
        values = dataclasses.asdict(self)
        usual = {field.name: field.default for field in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if value != usual[name]}

    def value(self, given: Any) -> Any:
        """What is written for a parameter's value."""
        if isinstance(given, str):
            folder, file = span_pattern.split(given)
            taken = {"": given, "folder": folder, "file": file}[self.part]
            return self.form.format(taken)
        return given if (self.scale, self.add) == (1.0, 0.0) else given * self.scale + self.add


def from_dicts(items: Sequence[Mapping[str, Any]]) -> list[Binding]:
    """Reads what `Binding.to_dict` gave."""
    return [Binding(**item) for item in items]


def apply(properties: dict[str, Any], bindings: Sequence[Binding], values: Mapping[str, Any]) -> None:
    """Writes parameters' values into a node's execution properties.

    Args:
        properties: the execution properties; changed in place.
        bindings: of the node.
        values: of the parameters, as JSON values.

    Raises:
        BindingError: a parameter has no value, or a pointer leads nowhere.
    """
    for binding in bindings:
        if binding.parameter not in values:
            raise BindingError(f"the run has no parameter {binding.parameter!r}")
        value = binding.value(values[binding.parameter])
        if not binding.pointer:
            properties[binding.prop] = value
            continue
        document = json.loads(properties[binding.prop])
        replace(document, binding.pointer, value)
        properties[binding.prop] = json.dumps(document, sort_keys=True)


def replace(document: Any, pointer: str, value: Any) -> None:
    """Replaces a value that is there already: a pointer to nothing would silently set nothing.

    Raises:
        BindingError: the pointer leads nowhere.
    """
    look_up(document, pointer)
    folder, _, last = pointer.rpartition("/")
    found = look_up(document, folder)
    found[int(last) if isinstance(found, list) else _unescaped(last)] = value


def look_up(document: Any, pointer: str) -> Any:
    """The value that a pointer leads to; an empty pointer leads to the document.

    Raises:
        BindingError: it leads nowhere.
    """
    found = document
    try:
        for part in pointer.split("/")[1:]:
            found = found[int(part) if isinstance(found, list) else _unescaped(part)]
    except (KeyError, IndexError, TypeError, ValueError):
        raise BindingError(f"{pointer} is not in the node's settings") from None
    return found


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def pointers(document: Any, wanted: Any, at: str = "") -> list[str]:
    """The pointers to all mappings that a predicate accepts.

    Args:
        document: JSON values.
        wanted: called with each mapping.
        at: pointer of the document itself.
    """
    found = []
    if isinstance(document, dict):
        if wanted(document):
            found.append(at)
        children = document.items()
    elif isinstance(document, list):
        children = enumerate(document)  # type: ignore[assignment]
    else:
        return []
    for key, child in children:
        name = str(key).replace("~", "~0").replace("/", "~1")
        found += pointers(child, wanted, f"{at}/{name}")
    return found
