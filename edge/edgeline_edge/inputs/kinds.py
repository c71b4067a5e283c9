"""The kinds of input that this package knows, and those of a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgeline_edge.errors import BundleError
from edgeline_edge.inputs.base import TableInput
from edgeline_edge.inputs.category import Category
from edgeline_edge.inputs.image import Image
from edgeline_edge.inputs.number import Number
from edgeline_edge.inputs.sections import TEXT
from edgeline_edge.inputs.time import Time
from edgeline_edge.inputs.vector import Vector

_TABLE: Mapping[str, type[TableInput]] = {
    "number": Number, "category": Category, "time": Time, "vector": Vector, "image": Image,
}  # fmt: skip


def table(sections: Sequence[Mapping[str, Any]]) -> tuple[TableInput, ...]:
    """The inputs beside the text.

    Args:
        sections: the manifest's `inputs`.

    Raises:
        BundleError: a kind is unknown here, a section lacks something, or two of them want one name.
    """
    found = []
    for section in sections:
        if section["kind"] == TEXT:
            continue
        if section["kind"] not in _TABLE:
            known = ", ".join((TEXT, *_TABLE))
            raise BundleError(
                f"the input {section['name']!r} is of kind {section['kind']!r}, this edgeline-edge knows {known}; "
                "upgrade it (`pip install --upgrade edgeline-edge`)"
            )
        found.append(_TABLE[section["kind"]](section))
    for what in ("name", "column"):
        names = [section[what] for section in sections]
        if len(set(names)) != len(names):
            raise BundleError(f"two inputs have one {what}: {', '.join(names)}")
    tensors = [name for section in sections for name in section["tensors"]]
    if len(set(tensors)) != len(tensors):
        raise BundleError(f"two inputs have one tensor: {', '.join(tensors)}")
    return tuple(found)
