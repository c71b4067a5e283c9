"""What columns a kind reads and what tensors it gives: the words in which inputs and targets speak to the rest.

Imports neither TensorFlow nor anything else that takes time.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

# What a value is; of `readings` how many there are of them.
_TYPES = r"^(text|integer|number|image|optional (text|number|image|time|readings [1-9][0-9]*))$"
ColumnType = Annotated[str, StringConstraints(pattern=_TYPES)]
_SAID = {"time": "time (2024-05-03, 2024-05-03T14:30:00+02:00, or seconds since 1970)"}
# How a linear model reads a column: as a number, a weight for each value, the cycles of a time, or numbers of a list.
Reading = Literal["scaled", "one_hot", "time", "readings", "pixels"]
_LARGEST = {"integer": 2**63 - 1, "number": 3.4028234e38}  # what int64 and float32 hold


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of the rows, and the raw feature that ExampleGen makes of it.

    Attributes:
        name: of the column and of the feature.
        type: `text` for bytes, `integer` for int64, `number` for float32, `image` for the bytes of a picture, `time`
            and `readings 3` (so many numbers in a cell) for the bytes of the cell; the feature holds one value a row.
            Of an `optional` column a row may have none: its cell is empty, and the feature empty or NaN.
    """

    name: str
    type: ColumnType = "text"

    @property
    def is_image(self) -> bool:
        """Whether the feature holds a picture, of which a cell has the file's name or the bytes in base64."""
        return self.kind_of_value == "image"

    @property
    def is_text(self) -> bool:
        """Whether the feature holds bytes."""
        return self.kind_of_value not in _LARGEST

    @property
    def kind_of_value(self) -> str:
        """The type in a word: `text`, `integer`, `number`, `image`, `time` or `readings`."""
        return self.type.removeprefix("optional ").split()[0]

    @property
    def what(self) -> str:
        """What a value of it is, in a word for a person."""
        if self.kind_of_value == "readings":
            return f"list of {self.type.split()[-1]} numbers (of JSON, or between spaces, commas or semicolons)"
        return _SAID.get(self.kind_of_value, self.kind_of_value)

    def readable(self, value: str) -> bool:
        """Whether a value, as a source of rows has it, is one of this type, and not too large for its feature."""
        try:
            if self.kind_of_value in ("text", "image") or (self.type.startswith("optional") and not value.strip()):
                return True
            if self.kind_of_value == "time":
                from edgeline_edge.inputs.time import seconds

                return seconds(value, local=False) is not None
            if self.kind_of_value == "readings":
                from edgeline_edge.inputs.vector import readings

                return len(readings(value)) == int(self.type.split()[-1])
            return bool(abs(self.value(value)) <= _LARGEST[self.kind_of_value])
        except ValueError:
            return False

    def value(self, text: str) -> Any:
        """The value that a text stands for: bytes, int or float."""
        if self.is_text:
            return text.encode("utf-8")
        if self.type == "optional number" and not text.strip():
            return math.nan
        return int(text) if self.type == "integer" else float(text)

    def feature(self, text: str) -> Any:
        """The `tf.train.Feature` of a value as a source of rows has it; what is no character is replaced."""
        import tensorflow as tf

        if self.is_image:  # what was served came over the network, in base64; the name of a file says nothing there
            from edgeline_edge.picture import carries, content_of

            content = content_of(text) if carries(text) else b""
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))
        if self.is_text:
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode("utf-8", errors="replace")]))
        if self.type == "integer":
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(text)]))
        return tf.train.Feature(float_list=tf.train.FloatList(value=[self.value(text)]))


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A feature that Transform writes and the network reads.

    Attributes:
        name: of the feature and of the network's input.
        dtype: as the network takes it, `int32`, `float32` or `uint8`. `tf.Example` holds int64 for the first, and a
            PNG for the last, which is of a shape `[height, width, 1 or 3]`.
        shape: of one row.
        window: whether the first axis of a row may be cut to the longest row of a batch.
    """

    name: str
    dtype: Literal["int32", "float32", "uint8"]
    shape: tuple[int, ...] = ()
    window: bool = False

    def stored(self) -> Any:
        """How a `tf.Example` holds it: a `tf.io.FixedLenFeature`."""
        import tensorflow as tf

        if self.dtype == "uint8":
            return tf.io.FixedLenFeature([], tf.string)
        return tf.io.FixedLenFeature(list(self.shape), tf.int64 if self.dtype == "int32" else tf.float32)

    def read(self, parsed: Any) -> Any:
        """What a network takes, of a batch that was parsed by `stored`: `[batch, *shape]`."""
        import tensorflow as tf

        if self.dtype != "uint8":
            return tf.cast(parsed, self.dtype)

        def decoded(content: tf.Tensor) -> tf.Tensor:
            return tf.ensure_shape(tf.io.decode_png(content, channels=self.shape[-1]), self.shape)

        return tf.map_fn(decoded, parsed, fn_output_signature=tf.TensorSpec(self.shape, tf.uint8))


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a network reads of a row.

    Attributes:
        tensors: in the order in which a network and a file take them.
        mask: name of the one whose sum is the row's length; None where rows have none.
    """

    tensors: tuple[Tensor, ...]
    mask: str | None = None

    @property
    def length(self) -> int:
        """The longest window; 0 where there is none."""
        return max((tensor.shape[0] for tensor in self.tensors if tensor.window), default=0)

    def cut(self, length: int) -> Layout:
        """The same with windows of another length.

        Args:
            length: of the windows.
        """
        cut = (
            dataclasses.replace(tensor, shape=(length, *tensor.shape[1:])) if tensor.window else tensor
            for tensor in self.tensors
        )
        return Layout(tuple(cut), self.mask)


def as_example(value: Any) -> Any:
    """A batch in a type that `tf.Example` knows: what `Tensor.stored` reads.

    Args:
        value: `[batch, *shape]`, int64 for any integer, but for uint8 strings `[batch]`, a PNG each.
    """
    import tensorflow as tf

    if value.dtype == tf.uint8:
        return tf.io.encode_png(value)
    return tf.cast(value, tf.int64) if value.dtype.is_integer else value


def raw_example(values: Mapping[str, str], types: Mapping[str, Column]) -> Any:
    """The `tf.train.Example` of a row as a source has it, which `raw_spec` reads.

    Args:
        values: by column; those that a row may lack are left out where it does.
        types: by column, where it is more than a text.
    """
    import tensorflow as tf

    features = {name: types.get(name, Column(name)).feature(value) for name, value in values.items()}
    return tf.train.Example(features=tf.train.Features(feature=features))


def raw_spec(columns: Any) -> dict[str, Any]:
    """How ExampleGen's examples hold some columns: by name, a `tf.io.FixedLenFeature` of one value.

    Args:
        columns: an iterable of `Column`.
    """
    import tensorflow as tf

    types = {"integer": tf.int64, "number": tf.float32}
    found = {}
    for column in columns:
        nothing = "" if column.is_text else math.nan
        missing = nothing if column.type.startswith("optional") else None
        found[column.name] = tf.io.FixedLenFeature([], types.get(column.kind_of_value, tf.string), missing)
    return found
