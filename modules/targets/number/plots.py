"""Plots of numbers: answered against right ones, and how far off answers are."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent

import plotly.graph_objects as go


def number_plots(quality: Mapping[str, Any], labels: list[str]) -> list[Plot]:
    """Both of test, and what the interval came to on either split.

    Args:
        quality: the section `quality` of the facts, with what `modules.targets.number.scoring` gave.
        labels: names of answers; numbers have none.
    """
    tested = quality["splits"]["test"]
    if not tested.get("points"):
        return []
    ranges = {name: split["interval"] for name, split in quality["splits"].items() if split.get("interval")}
    return [_against(tested["points"], ranges), _residuals(tested["residuals"])]


def _against(points: Mapping[str, list[float]], ranges: Mapping[str, Mapping[str, float]]) -> Plot:
    ends = [min(*points["true"], *points["predicted"]), max(*points["true"], *points["predicted"])]
    figure = go.Figure(layout=theme.layout(height=420, x="right", y="answered"))
    figure.add_scatter(
        x=points["true"], y=points["predicted"], mode="markers", name="a row", marker={"size": 6, "opacity": 0.5},
        hovertemplate="right %{x:.4g}, answered %{y:.4g}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=ends, y=ends, mode="lines", name="perfect", line={"dash": "dash", "color": theme.GREY}, hoverinfo="skip"
    )
    alt = f"{len(points['true']):,} rows, right numbers from {min(points['true']):.4g} to {max(points['true']):.4g}."
    table = None
    if ranges:
        rows = [
            [name, percent(found["coverage"]), percent(found["measured"]), f"{found['width']:.4g}"]
            for name, found in ranges.items()
        ]
        table = Table(["interval on", "made for", "holds the right number of", "mean width"], rows)
        alt += " The interval holds the right number of " + ", ".join(f"{row[2]} of {row[0]}" for row in rows) + "."
    return Plot("predicted-true", "Answered against right numbers, on test", alt, figure, table)


def _residuals(found: Mapping[str, Any]) -> Plot:
    edges, counts = found["edges"], found["counts"]
    middles = [(low + high) / 2 for low, high in itertools.pairwise(edges)]
    figure = go.Figure(layout=theme.layout(height=320, x="answered minus right", y="rows"))
    figure.add_bar(x=middles, y=counts, hovertemplate="about %{x:.4g}: %{y} rows<extra></extra>", name="rows")
    figure.add_vline(x=0.0, line={"dash": "dash", "width": 1.5})
    rows = [
        [f"{low:.4g} to {high:.4g}", count]
        for (low, high), count in zip(itertools.pairwise(edges), counts, strict=True)
        if count
    ]
    return Plot(
        "residuals", "How far answers are off, on test",
        f"From {edges[0]:.4g} to {edges[-1]:.4g}; {found['mean']:+.4g} on average.",
        figure, Table(["answered minus right", "rows"], rows),
    )  # fmt: skip
