"""What every section of the configuration has: no unknown fields, documented values, a digest."""

from __future__ import annotations

import hashlib
import json

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the configuration; a field that is not declared is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    def digest(self) -> str:
        """SHA-256, 64 hexadecimal digits, of the section's values, independent of their order in the file."""
        return self.digest_of(*type(self).model_fields)

    def digest_of(self, *fields: str) -> str:
        """The same of some of its fields."""
        values = self.model_dump(mode="json", include=set(fields))
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
