"""Plots of what several inputs are worth: their shares in the fusion, and the score without each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.quality.slice_names import shown_name
from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent

import plotly.graph_objects as go

_MOST_SLICES = 40  # in the plot; the table holds all


def inputs_plots(facts: Mapping[str, Any] | None, titles: Mapping[str, str]) -> list[Plot]:
    """Scores without an input, and the shares of each.

    Args:
        facts: what `modules.report.facts.inputs.worth` gave; None where the task has one input.
        titles: the target's metrics with what a person calls them.
    """
    if not facts:
        return []
    shares = facts["shares"]
    return [_without(facts, titles), *([_shares(facts["fusion"], shares)] if shares else [])]


def _without(facts: Mapping[str, Any], titles: Mapping[str, str]) -> Plot:
    metric, names = titles.get(facts["metric"], facts["metric"]), list(facts["inputs"])
    known = [name for name in names if facts["inputs"][name]["without"] is not None]
    rows: list[list[Any]] = [["nothing", f"{facts['score']:.4f}", "–"]]
    for name in names:
        value = facts["inputs"][name]["without"]
        told = ("–", "–") if value is None else (f"{value:.4f}", f"{value - facts['score']:+.4f}")
        rows.append([name, *told])
    figure = go.Figure(layout=theme.layout(height=220, x="left out of every row", y=metric))
    figure.add_bar(x=["nothing", *known], y=[facts["score"], *(facts["inputs"][name]["without"] for name in known)])
    alt = f"{metric} of {facts['rows']} rows of eval: " + ", ".join(f"without {row[0]} {row[1]}" for row in rows)
    return Plot(
        "without-an-input", "Without an input, on eval", f"{alt}.", figure, Table(["without", metric, "change"], rows)
    )


def _shares(kind: str, shares: Mapping[str, Mapping[str, float]]) -> Plot:
    names = list(shares[""])
    shown = list(shares)[: _MOST_SLICES + 1]
    labels = [shown_name(key) if key else "all rows" for key in shown]
    figure = go.Figure(layout=theme.layout(height=120 + 22 * len(shown), x="mean share", barmode="stack"))
    for name in names:
        figure.add_bar(y=labels, x=[round(shares[key][name], 5) for key in shown], name=name, orientation="h")
    figure.update_xaxes(tickformat=".0%", range=[0, 1])
    figure.update_yaxes(autorange="reversed")
    rows = [[shown_name(key) if key else "all rows", *(percent(shares[key][name]) for name in names)] for key in shares]
    what = "weights of the gate" if kind == "gated" else "attention that its parts get"
    alt = f"Mean share of each input, the {what}: " + ", ".join(f"{name} {percent(shares[''][name])}" for name in names)
    return Plot("input-shares", "What the fusion weighs, on eval", f"{alt}.", figure, Table(["rows", *names], rows))
