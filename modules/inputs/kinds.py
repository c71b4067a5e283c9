"""Which kinds of input there are, and the inputs of a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from modules.inputs.base import BackboneInput, Input
from modules.kinds import read_sections
from modules.registry import Registry
from modules.tensors import Column, ColumnType, Layout, Tensor

from pydantic import BeforeValidator, SerializeAsAny

INPUTS: Registry[type[Input]] = Registry(
    "input",
    {
        "text": "modules.inputs.text.input:Text",
        "number": "modules.inputs.number.input:Number",
        "category": "modules.inputs.category.input:Category",
        "time": "modules.inputs.time.input:Time",
        "vector": "modules.inputs.vector.input:Vector",
        "image": "modules.inputs.image.input:Image",
    },
)
Inputs = Mapping[str, Input]
InputSections = Annotated[
    dict[str, SerializeAsAny[Input]], BeforeValidator(lambda sections: read_sections(INPUTS, sections))
]  # inputs as a field of settings, each read by its kind


def read(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, Input]:
    """The inputs that a node's settings describe.

    Args:
        sections: by name, the section of the input with its `kind`.

    Raises:
        UnknownKindError: there is no such kind; its module may be missing among `extensions`.
        pydantic.ValidationError: a section is wrong.
    """
    return {name: INPUTS[section["kind"]].named(name, section) for name, section in sections.items()}


def with_backbone(inputs: Inputs) -> BackboneInput | None:
    """The input that the backbone encodes; None where all inputs encode themselves.

    Raises:
        ValueError: there are several.
    """
    found = [part for part in inputs.values() if isinstance(part, BackboneInput)]
    if len(found) > 1:
        raise ValueError(
            f"inputs: {' and '.join(part.name for part in found)} all have a backbone, and a network has one at most; "
            "keep one of them, and beside it any number of inputs whose kinds encode themselves"
        )
    return found[0] if found else None


def encoded(inputs: Inputs) -> BackboneInput:
    """The input that the backbone encodes, for what needs one.

    Raises:
        ValueError: there is none, or there are several.
    """
    if (part := with_backbone(inputs)) is None:
        raise ValueError(f"inputs: none of {', '.join(inputs)} has a backbone")
    return part


def identity_column(inputs: Inputs) -> str:
    """The column whose text is a row's identity, by which rows are split and compared: the encoded input's.

    Empty where there is none, or rows may lack it: a row is then all that its inputs read of it.
    """
    part = with_backbone(inputs)
    return part.column if part and not part.optional else ""


def others(inputs: Inputs) -> dict[str, Input]:
    """The inputs that encode themselves, by name."""
    return {name: part for name, part in inputs.items() if not isinstance(part, BackboneInput)}


def playing(inputs: Inputs, role: str) -> dict[str, tuple[Input, Any]]:
    """The inputs that play a role, by name, each with what its kind brings for it.

    Args:
        inputs: of the task.
        role: one of those of `modules.inputs.roles`.
    """
    return {name: (part, found) for name, part in inputs.items() if (found := part.part(role)) is not None}


def linear(inputs: Inputs) -> bool:
    """Whether a linear model can read rows: they have a text, or columns that it takes for numbers."""
    return with_backbone(inputs) is not None or any(part.linear for part in inputs.values())


def columns(inputs: Inputs) -> tuple[Column, ...]:
    """All columns that the inputs read, each once.

    Raises:
        ValueError: two inputs read one column as different types.
    """
    found: dict[str, Column] = {}
    for part in inputs.values():
        for column in part.columns():
            if found.setdefault(column.name, column) != column:
                raise ValueError(
                    f"inputs.{part.name}: reads the column {column.name!r} as {column.type}, another input as "
                    f"{found[column.name].type}"
                )
    return tuple(found.values())


def table(inputs: Inputs) -> dict[str, ColumnType]:
    """Types of the columns that are read beside the identity, by name.

    Raises:
        ValueError: two inputs read one column as different types.
    """
    identity = identity_column(inputs)
    return {column.name: column.type for column in columns(inputs) if column.name != identity}


def learnt(inputs: Inputs, transform_graph: str) -> dict[str, Input]:
    """The inputs with what Transform found for them.

    Args:
        inputs: of the task.
        transform_graph: folder of Transform's graph.
    """
    if all(type(part).learn is Input.learn for part in inputs.values()):
        return dict(inputs)
    import tensorflow_transform as tft

    transformed = tft.TFTransformOutput(transform_graph)
    return {name: part.learn(transformed) for name, part in inputs.items()}


def tensors(inputs: Inputs) -> tuple[Tensor, ...]:
    """All tensors of the inputs, in the inputs' order.

    Raises:
        ValueError: two of them have one name.
    """
    found: dict[str, Tensor] = {}
    for part in inputs.values():
        for tensor in part.tensors():
            if tensor.name in found:
                raise ValueError(f"inputs.{part.name}: another input has a tensor named {tensor.name!r} already")
            found[tensor.name] = tensor
    return tuple(found.values())


def mask(inputs: Inputs) -> str | None:
    """Name of the tensor that says how long a row is; None where rows have no length."""
    return next((part.mask for part in inputs.values() if part.mask), None)


def layout(inputs: Inputs) -> Layout:
    """What a network reads of a row.

    Raises:
        ValueError: two tensors have one name.
    """
    return Layout(tensors(inputs), mask(inputs))


def only(inputs: Inputs) -> Input | None:
    """The input where there is no other one and its kind promises signatures of its own; else None."""
    [first, *rest] = inputs.values()
    return first if not rest and first.alone else None
