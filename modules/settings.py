"""What every settings class has: no unknown fields, documented values, a digest, and one way across TFX's border.

A settings class stands beside the code that uses it, with its bounds and defaults; `pipeline.config` composes them into
a task's configuration. Nothing here imports TensorFlow or TFX, and no file `settings.py` does: a wrong configuration
must be told at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from modules.registry import load_extensions

from pydantic import BaseModel, ConfigDict, Field, field_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]  # what NumPy takes
PositiveShare = Annotated[float, Field(gt=0.0, le=1.0)]
Precision = Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"]
_LARGEST = 2**53  # what JSON's numbers hold exactly
# Keys of a node's `custom_config` that are TFX's own: they tell its executors what to start on Vertex AI.
_TFX_KEYS = "ai_platform_"


class Section(BaseModel):
    """Settings that belong together; a field that is not declared is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @field_validator("*", mode="after")
    @classmethod
    def _no_astronomical_number(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST:
            raise ValueError(f"no setting is larger than {_LARGEST}")
        return value

    def digest(self) -> str:
        """SHA-256, 64 hexadecimal digits, of the section's values, independent of their order in the file."""
        return self.digest_of(*type(self).model_fields)

    def digest_of(self, *fields: str) -> str:
        """The same of some of its fields."""
        values = self.model_dump(mode="json", include=set(fields))
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    @classmethod
    def alternatives(cls) -> tuple[type[Section], ...]:
        """The classes that a field of this type may hold: itself, or all kinds where a kind is chosen by name."""
        return (cls,)

    def with_values(self, **values: Any) -> Self:
        """The same section with other values, validated.

        Args:
            **values: by field.

        Raises:
            pydantic.ValidationError: a field that there is not, or a value that it does not take.
        """
        return type(self).model_validate({**dict(self), **values})


class NodeSettings(Section):
    """What a node of the graph is told: nothing that its result does not depend on.

    An execution property is all that TFX keeps of it, so it crosses that border twice as JSON: `to_json` or `to_values`
    where the graph is made, `from_json` or `from_values` in the node.
    """

    code: str = ""
    """Digest of the code that the node runs; there for the cache alone."""
    extensions: list[str] = []
    """Modules that register kinds of one's own, see `modules.registry`."""

    def to_values(self) -> dict[str, Any]:
        """JSON values, for a `custom_config`."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """The same as text, for an execution property; equal settings give equal texts."""
        return json.dumps(self.to_values(), sort_keys=True)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_values`; imports the extensions first, whose kinds the settings may name.

        Args:
            values: a node's `custom_config`; what is TFX's own in it is left out.

        Raises:
            ValueError: an extension that there is not, or values that are no such settings.
        """
        load_extensions(values.get("extensions") or ())
        return cls.model_validate({name: value for name, value in values.items() if not name.startswith(_TFX_KEYS)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`.

        Args:
            text: a node's execution property.

        Raises:
            ValueError: as of `from_values`.
        """
        return cls.from_values(json.loads(text))
