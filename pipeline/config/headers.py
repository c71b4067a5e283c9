"""Headers of a request that a task makes: a secret in them is named, never written."""

from __future__ import annotations

import re
from typing import Self

from modules.settings import Section

from pydantic import model_validator

from pipeline.redaction import references

_SECRET = re.compile(r"authorization|cookie|token|secret|key", re.IGNORECASE)


class WithHeaders(Section):
    """A section of requests over HTTP."""

    headers: dict[str, str] = {}
    """Headers of every request. A secret is named, never written: `Bearer ${TOKEN}`, `${file:/run/secrets/token}`."""

    @model_validator(mode="after")
    def _no_secret_header_is_written(self) -> Self:
        for name, value in self.headers.items():
            if _SECRET.search(name) and not references.names(value):
                raise ValueError(f"headers: {name} is a secret, which must not stand here; write ${{NAME}} for it")
        return self
