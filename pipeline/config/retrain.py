"""The `retrain` section: when `watch --on` makes a span of labelled requests and runs on it. Imports nothing heavy."""

from __future__ import annotations

from modules.settings import Section

from pydantic import Field


class RetrainConfig(Section):
    """`local_runner.py watch --on`: requests of `data.serving_logs` whose labels arrived (`monitor.labels`)."""

    rows: int = Field(500, ge=1)
    """New labelled rows with which `--on rows` starts a run."""
    min_rows: int = Field(100, ge=1)
    """Any other reason waits until there are so many."""
    every_hours: float = Field(24.0, gt=0.0)
    """`--on schedule`: time between the starts of two runs."""
