"""An input of one's own: how often each of some letters stands in a column, as a float vector."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from modules.inputs.base import Input
from modules.inputs.kinds import INPUTS
from modules.inputs.profiles import Bound, Bounds, Comparison, Distance
from modules.tensors import Tensor

from pydantic import Field

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras


class LetterBounds(Bounds):
    """Largest distances between two samples."""

    per_value: Bound = 0.2
    """Difference of the mean numbers of counted letters in a value, as a share of the larger one."""


@INPUTS.register("letter_count")
class LetterCount(Input):
    """Letters of a column, counted and encoded by one dense layer."""

    parts: ClassVar[Mapping[str, str]] = {
        "statistics": "tests.toys.letter_count:summarise",
        "distances": "tests.toys.letter_count:compare",
        "bounds": "tests.toys.letter_count:LetterBounds",
        "variation": "tests.toys.letter_count:variation",
        "facts": "tests.toys.letter_count:facts",
        "plots": "tests.toys.letter_count:plots",
    }

    kind: Literal["letter_count"] = "letter_count"
    """Selects this kind."""
    letters: str = Field("aeiou", pattern="^[a-z]+$")
    """The letters that are counted."""
    width: int = Field(4, ge=1)
    """Width of the vector that goes into the fusion."""

    def tensors(self) -> tuple[Tensor, ...]:
        """One count a letter."""
        return (Tensor(f"{self.name}_counts", "float32", (len(self.letters),)),)

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Counts by what is left when a letter is taken out."""
        import tensorflow as tf

        text = tf.strings.lower(raw[self.column])
        size = tf.strings.length(text)
        counts = [size - tf.strings.length(tf.strings.regex_replace(text, letter, "")) for letter in self.letters]
        return {f"{self.name}_counts": tf.cast(tf.stack(counts, axis=1), tf.float32)}

    def encode(self, tensors: Mapping[str, tf_keras.KerasTensor]) -> tf_keras.KerasTensor:
        """One layer."""
        import tf_keras

        layer = tf_keras.layers.Dense(self.width, dtype="float32", name=f"{self.name}_encoder")
        return layer(tensors[f"{self.name}_counts"])


@dataclasses.dataclass(frozen=True)
class LetterProfile:
    """How many letters the values of a sample have."""

    sampled: int
    counted: int

    def to_json(self) -> str:
        """As text."""
        return json.dumps(dataclasses.asdict(self))


def summarise(part: LetterCount, file_patterns: Sequence[str], *, label: str | None, sample: int) -> LetterProfile:
    """The role `statistics`: of the values that come first in the alphabet, so that the rows' order is nothing."""
    import tensorflow as tf

    files = sorted(name for pattern in file_patterns for name in tf.io.gfile.glob(pattern))
    spec = {part.column: tf.io.FixedLenFeature([], tf.string)}
    values: list[bytes] = []
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(512):
        values += tf.io.parse_example(batch, spec)[part.column].numpy().tolist()
    taken = sorted(values)[:sample]
    counted = sum(value.lower().count(letter.encode()) for value in taken for letter in part.letters)
    return LetterProfile(len(taken), counted)


def compare(now: str, before: str) -> Comparison:
    """The role `distances`."""
    ours, theirs = (LetterProfile(**json.loads(text)) for text in (now, before))
    means = [side.counted / max(1, side.sampled) for side in (ours, theirs)]
    distance = Distance("per_value", "relative_difference", abs(means[0] - means[1]) / max(*means, 1e-9))
    return Comparison(min(ours.sampled, theirs.sampled), [distance])


def variation(wanted: Mapping[str, Any]) -> Callable[[str, random.Random], str | None]:
    """The role `variation`: the order of the characters says nothing, so it may be any."""
    del wanted
    return lambda text, chance: "".join(chance.sample(text, len(text))) or None


def facts(part: LetterCount, patterns: Mapping[str, str], *, limit: int) -> dict[str, Any]:
    """The role `facts`: the mean number of each letter, by split."""
    import tensorflow as tf

    [tensor] = part.tensors()
    means = {}
    for split, pattern in patterns.items():
        rows = tf.data.TFRecordDataset(sorted(tf.io.gfile.glob(pattern)), compression_type="GZIP").take(limit)
        counts = [tf.io.parse_single_example(row, {tensor.name: tensor.stored()})[tensor.name].numpy() for row in rows]
        columns = zip(part.letters, zip(*counts, strict=True), strict=True)
        means[split] = {letter: float(sum(column)) / len(counts) for letter, column in columns}
    return {"means": means}


def plots(name: str, facts: Mapping[str, Any]) -> list[Any]:
    """The role `plots`."""
    from modules.report.plots import theme
    from modules.report.plots.plot import Plot, Table

    import plotly.graph_objects as go

    figure = go.Figure(layout=theme.layout(height=220))
    for split, means in facts["means"].items():
        figure.add_bar(x=list(means), y=list(means.values()), name=split)
    letters = list(next(iter(facts["means"].values())))
    rows = [[split, *means.values()] for split, means in facts["means"].items()]
    return [Plot(f"{name}-letters", f"Letters of {name}", "Mean letters.", figure, Table(["split", *letters], rows))]
