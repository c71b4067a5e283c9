"""One plot of the report: a Plotly figure with the words and the numbers for those who do not see it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go


@dataclasses.dataclass(frozen=True)
class Table:
    """The numbers behind a plot.

    Attributes:
        columns: headings.
        rows: cells, texts or numbers.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclasses.dataclass(frozen=True)
class Plot:
    """A figure of the page.

    Attributes:
        name: its id on the page.
        title: its caption.
        alt: what it shows, for those who hear the page.
        figure: the plot.
        table: its numbers; None where a table of the section holds them.
        wide: takes the page's whole width.
    """

    name: str
    title: str
    alt: str
    figure: go.Figure
    table: Table | None = None
    wide: bool = False


def percent(value: float, digits: int = 1) -> str:
    """A share as text."""
    return f"{100 * value:.{digits}f} %"


def share(part: float, whole: float) -> float:
    """A part of a whole; 0 of nothing."""
    return part / whole if whole else 0.0
