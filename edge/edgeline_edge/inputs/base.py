"""What every kind of input promises: from a value of its column to what the model takes."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from edgeline_edge.errors import BundleError

Array = npt.NDArray[Any]


class TableInput(abc.ABC):
    """An input beside the text: a value of a row is one row of its tensors.

    Attributes:
        name: of the input.
        column: the field of a record that it reads.
        tensors: names of what it gives, inputs of the model.
    """

    # How many tensors an input of this kind can have.
    counts: ClassVar[tuple[int, ...]] = (1,)

    def __init__(self, section: Mapping[str, Any]) -> None:
        """Reads what the manifest says of it.

        Args:
            section: an item of the manifest's `inputs`.

        Raises:
            BundleError: something is missing in it, or it has another number of tensors.
        """
        self.name: str = section["name"]
        self.column: str = section["column"]
        self.tensors: tuple[str, ...] = tuple(section["tensors"])
        if len(self.tensors) not in self.counts:
            raise BundleError(
                f"the input {self.name!r} of kind {section['kind']} has the tensors {', '.join(self.tensors)}"
            )

    @abc.abstractmethod
    def encode(self, value: object) -> dict[str, Array]:
        """The tensors of one value, `[1, ...]` each.

        Args:
            value: of the column; `None` where the record has none.

        Raises:
            TypeError: it is of another type.
            ValueError: it cannot be used.
        """

    @property
    def reads_files(self) -> bool:
        """Whether a value may be a file, so that a command line may take a file's name for it."""
        return False

    @abc.abstractmethod
    def shapes(self) -> dict[str, tuple[str, list[int]]]:
        """Dtype and shape of each tensor, which the model must have."""

    def largest(self) -> dict[str, Array]:
        """Tensors with the largest numbers that `encode` can give, to try out what a model looks up; else zeros."""
        return {name: np.zeros(shape, dtype) for name, (dtype, shape) in self.shapes().items()}


def float_of(number: float | np.integer | np.floating) -> float:
    """A number as float64; a whole number beyond all floats is infinite, as it is where JSON has no other.

    Args:
        number: whole or not.
    """
    try:
        return float(number)
    except OverflowError:
        return -math.inf if number < 0 else math.inf
