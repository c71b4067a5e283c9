"""The `data.spans` section of the configuration: which spans of `data.path` a run reads.

Nothing here imports TensorFlow or TFX.
"""

from __future__ import annotations

from typing import Annotated, Literal

from modules.settings import Section

from pydantic import Field


class SpansConfig(Section):
    """Counts where `data.path` is a pattern such as `…/span-{SPAN}/version-{VERSION}/*`; see docs/spans.md."""

    span: Literal["latest"] | Annotated[int, Field(ge=0)] = "latest"
    """The newest span to read: a number, or `latest`."""
    window: int = Field(1, ge=1)
    """How many span numbers to read, counted back from `span`; 7 reads a week of daily spans."""
    marker: Annotated[str, Field(pattern=r"^[^/*?\[\]]+$")] | None = None
    """Name of a file that says a version is complete, such as `_SUCCESS`. Empty: no such file is asked for."""
    settle_seconds: float = Field(10.0, ge=0.0)
    """`watch` waits until the newest file of a span is this old; it is the only protection without a marker."""
    attempts: int = Field(2, ge=1)
    """How often `watch` runs one version of a span that fails, before it waits for another."""
