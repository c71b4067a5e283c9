"""The `validator` section of the configuration: what drift and skew come to. Imports neither TensorFlow nor TFX."""

from __future__ import annotations

from typing import Any, Literal

from modules.inputs.base import Input
from modules.inputs.kinds import Inputs
from modules.inputs.profiles import Bound, Bounds
from modules.inputs.text.settings import TextBounds
from modules.settings import Section

from pydantic import Field

Reaction = Literal["fail", "warn"]


class ValidatorConfig(Section):
    """Drift from the span before and skew from what is served; the schema's comparators count as well."""

    on_drift: Reaction = "warn"
    """What a distance above its bound does: `fail` stops the run, `warn` tells."""
    on_skew: Reaction = "warn"
    """The same for the distance between training and serving."""
    split: Literal["train", "eval"] | None = None
    """The split that is compared. Empty: `train`, or `eval` where `data.augmentation` changes train."""
    text: TextBounds = TextBounds()
    """Bounds of the text statistics, of every text that has none of its own under `inputs`."""
    inputs: dict[str, dict[str, Bound]] = {}
    """Bounds by name of the input and of what is compared, where they differ from those of its kind."""
    sample_rows: int = Field(10_000, ge=100)
    """Most rows to look into."""
    min_rows: int = Field(200, ge=1)
    """With fewer rows on either side, the distances of the inputs are measured but not judged."""

    def bounds(self, inputs: Inputs) -> dict[str, Bounds]:
        """The bounds of each input, by its name.

        Args:
            inputs: of the task.

        Raises:
            ValueError: `inputs` here names an input that there is not, or a distance that its kind does not measure.
        """
        for name, given in self.inputs.items():
            if name not in inputs:
                raise ValueError(f"validator.inputs: there is no input {name!r}; there are: {', '.join(inputs)}")
            part = inputs[name]
            fields = _kind(part).model_fields
            if unknown := sorted({*given} - {*fields}):
                raise ValueError(
                    f"validator.inputs.{name}: {', '.join(unknown)} is nothing that is measured of an input of kind "
                    f"{part.kind}; there are: {', '.join(fields) or 'none'}"
                )
        return {name: _kind(part).model_validate(self._values(_kind(part), name)) for name, part in inputs.items()}

    def _values(self, kind: type[Bounds], name: str) -> dict[str, Any]:
        """Those of the section `text` where the kind has the same ones, and over them those of the input's own."""
        shared = dict(self.text) if kind is type(self.text) else {}
        return {**shared, **self.inputs.get(name, {})}


def _kind(part: Input) -> type[Bounds]:
    """The section of an input's bounds: that of its role `bounds`; without one, nothing is judged."""
    return part.part("bounds") or Bounds
