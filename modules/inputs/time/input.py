"""A point in time: where it stands in the day, the week and the year, with a flag where a row has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from modules.inputs.base import Input
from modules.tensors import Column, Reading, Tensor

from pydantic import Field

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras

Cycle = Literal["hour_of_day", "day_of_week", "day_of_year"]
_ALL: tuple[Cycle, ...] = ("hour_of_day", "day_of_week", "day_of_year")


class Time(Input):
    """A time of a column: a date of ISO 8601 with or without a time of day, or seconds since 1970.

    An empty cell is one that is missing.
    """

    linear: ClassVar[Reading | None] = "time"
    parts: ClassVar[Mapping[str, str]] = {
        "statistics": "modules.inputs.time.statistics:summarise",
        "distances": "modules.inputs.time.statistics:compare",
        "bounds": "modules.inputs.time.settings:TimeBounds",
        "device": "modules.inputs.time.device:step",
        "facts": "modules.inputs.time.report:facts",
        "plots": "modules.inputs.time.report:plots",
    }

    kind: Literal["time"] = "time"
    """Selects this kind."""
    cycles: Annotated[list[Cycle], Field(min_length=1)] = list(_ALL)
    """What of it the network sees, each as sine and cosine, so that the last hour is beside the first."""
    clock: Literal["utc", "local"] = "utc"
    """Which clock is read. `utc`: an offset such as `+02:00` is taken off, and a time without one counts as UTC;
    `local`: the clock as it is written, whatever its offset. Seconds since 1970 are UTC in either case. Names of time
    zones are not known: a device has no table of them."""
    width: int = Field(16, ge=1, le=1024)
    """Width of the vector that goes into the fusion."""

    def columns(self) -> tuple[Column, ...]:
        """A text that is a time, or empty."""
        return (Column(self.column, "optional time"),)

    @property
    def tensor(self) -> str:
        """Name of the tensor."""
        return f"{self.name}_time"

    def tensors(self) -> tuple[Tensor, ...]:
        """Sine and cosine of each cycle, and 0; or zeros and 1 where there is no time."""
        return (Tensor(self.tensor, "float32", (2 * len(self.cycles) + 1,)),)

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Reads `[batch]` texts; one that is no time is one that is missing."""
        from modules.inputs.time import calendar

        import tensorflow as tf

        found, there = calendar.seconds(raw[self.column], local=self.clock == "local")
        places, known = calendar.places(found), there[:, tf.newaxis]
        circles = [tf.gather(tf.constant(calendar.circle(calendar.PLACES[one])), places[one]) for one in self.cycles]
        # Chosen, not multiplied: 0 times a negative number is a zero of other bits.
        parts = [*(tf.where(known, circle, tf.zeros_like(circle)) for circle in circles), tf.cast(~known, tf.float32)]
        return {self.tensor: tf.concat(parts, axis=1)}

    def absent(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Zeros and 1."""
        import tensorflow as tf

        return {self.tensor: tf.constant([[*[0.0] * (2 * len(self.cycles)), 1.0]])}

    def encode(self, tensors: Mapping[str, tf_keras.KerasTensor]) -> tf_keras.KerasTensor:
        """One layer, so that the answer may bend with the time."""
        import tf_keras

        layer = tf_keras.layers.Dense(self.width, activation="relu", dtype="float32", name=f"{self.name}_encoder")
        return layer(tensors[self.tensor])

    def described(self) -> dict[str, Any]:
        """What a device must know to make the tensor."""
        return {"cycles": list(self.cycles), "clock": self.clock}
