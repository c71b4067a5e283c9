"""`inputs` and `target` of the configuration: read by their kinds, or made of the short form.

The short form is `labels`, `data.columns.text` and `.label`, `preprocessing` and `backbone`: one text, one label.
Nothing here imports TensorFlow or TFX.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence, Set
from typing import Annotated, Any, NoReturn

from modules.inputs import kinds as inputs_lib
from modules.inputs.base import Input
from modules.registry import Registry
from modules.targets.base import Target
from modules.targets.kinds import ONE_LABEL, TARGETS

from pydantic import BeforeValidator, SerializeAsAny, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

TEXT = "text"  # name and kind of the input of the short form
SHORT = {
    "inputs": ("data.columns.text", "preprocessing", "backbone"),
    "target": ("labels", "data.columns.label"),
}


def read_inputs(value: Any) -> Any:
    """Reads `inputs`, each by its kind.

    Args:
        value: what the file has.

    Returns:
        By name, the inputs; a value that is no mapping as it is, for pydantic to refuse.

    Raises:
        ValueError: there is no such kind, or a section is wrong.
    """
    if not isinstance(value, Mapping):
        return value
    found, wrong = {}, []
    for name, section in value.items():
        try:
            found[str(name)] = _read(inputs_lib.INPUTS, section, name=str(name))
        except ValidationError as error:
            wrong += [_under(str(name), detail) for detail in error.errors()]
    if wrong:
        raise ValidationError.from_exception_data("inputs", wrong)
    return found


def read_target(value: Any) -> Any:
    """Reads `target` by its kind; else as `read_inputs`."""
    return _read(TARGETS, value)


def _read(kinds: Registry[Any], section: Any, **more: str) -> Any:
    if not isinstance(section, Mapping):
        return section
    kind = section.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        known = f"{', '.join(kinds.kinds)}, or one that a module of `extensions` registers"
        _fail("kind", kind, f"set it to a kind of {kinds.what}: {known}")
    given = {name: value for name, value in section.items() if name not in more}
    fields = [name for name in kinds[kind].model_fields if name not in more]
    for name in {*section} - {*fields}:
        near = difflib.get_close_matches(str(name), fields, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        _fail(str(name), None, f"there is no such field.{hint} Allowed: {', '.join(sorted(fields))}")
    return kinds[kind].model_validate({**given, **more})


def _fail(field: str, value: Any, message: str) -> NoReturn:
    kind = PydanticCustomError("part", message.replace("{", "{{"))  # type: ignore[arg-type]
    raise ValidationError.from_exception_data("part", [InitErrorDetails(type=kind, loc=(field,), input=value)])


def _under(name: str, detail: Any) -> InitErrorDetails:
    """An error inside a section, as one of what the section is in."""
    kind = PydanticCustomError("part", detail["msg"].removeprefix("Value error, ").replace("{", "{{"))
    return InitErrorDetails(type=kind, loc=(name, *detail["loc"]), input=detail["input"])


Inputs = Annotated[dict[str, SerializeAsAny[Input]], BeforeValidator(read_inputs)]
SomeTarget = Annotated[SerializeAsAny[Target], BeforeValidator(read_target)]


def refuse_both(given: Set[str]) -> None:
    """Refuses a configuration in both forms.

    Args:
        given: names of the fields that the file has; `data.columns.text` for those inside `data.columns`.

    Raises:
        ValueError: a field of the short form stands beside what it is short for.
    """
    for part, short in SHORT.items():
        both = [name for name in short if name in given]
        if part in given and both:
            raise ValueError(f"{part} and {', '.join(both)} say the same thing twice; keep one of the two forms")


def short_inputs(column: str, sequence_length: int, backbone: Mapping[str, Any]) -> dict[str, Input]:
    """The one text of the short form."""
    section = {"kind": TEXT, "column": column, "sequence_length": sequence_length, "backbone": dict(backbone)}
    return inputs_lib.read({TEXT: section})


def short_target(column: str, labels: Sequence[str]) -> Target:
    """The one label of the short form."""
    return TARGETS[ONE_LABEL].model_validate({"kind": ONE_LABEL, "column": column, "labels": list(labels)})


def check(inputs: inputs_lib.Inputs, target: Target, slices: Sequence[str], *, edge: bool) -> None:
    """Compares the parts of a task with each other.

    Args:
        inputs: of the task.
        target: of the task.
        slices: the slice columns.
        edge: whether bundles for devices are made.

    Raises:
        ValueError: two parts want one name, no input has a backbone, or a device cannot serve one of them.
    """
    inputs_lib.with_backbone(inputs)
    inputs_lib.tensors(inputs)
    read = {column.name: column for column in inputs_lib.columns(inputs)}
    for column in target.columns():
        if column.name in read:
            raise ValueError(f"target.column: {column.name!r} is a column of an input; the answer would be given away")
    for name in slices:
        if name in read and read[name].type != "text":
            raise ValueError(f"data.columns.slices: {name!r} is a column of {read[name].type}s; slices are texts")
        if name in {column.name for column in target.columns()}:
            raise ValueError(f"data.columns.slices: {name!r} is the target's column")
    if not edge:
        return
    for part in inputs.values():
        if "device" not in part.parts:
            raise ValueError(
                f"inputs.{part.name}: no device can compute an input of kind {part.kind} yet, so no bundle can be "
                "made; set edge: false to make the server's model alone"
            )
    if not target.device_answers:
        raise ValueError(
            f"target: no device can answer a target of kind {target.kind} yet, so no bundle can be made; set "
            "edge: false to make the server's model alone"
        )
