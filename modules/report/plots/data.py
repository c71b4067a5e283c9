"""Plots of the data: labels, what the inputs draw, quarantine, drift."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from modules.inputs.kinds import INPUTS
from modules.network.architecture import TEXT
from modules.registry import load
from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent, share

import plotly.graph_objects as go

_MOST_LABELS = 10  # in the plot; the table holds all


def data_plots(data: Mapping[str, Any], labels: list[str]) -> list[Plot]:
    """Those that the section has numbers for.

    Args:
        data: the section `data` of the facts.
        labels: label names in id order.
    """
    makers = (
        (data["splits"] and labels, lambda: _balance(data["splits"], labels)),
        (data["quarantine"], lambda: _quarantine(data["quarantine"])),
        (_judged(data["drift"] or ()), lambda: _drift(data["drift"])),
    )
    balance, *rest = [make() if there else None for there, make in makers]
    return [plot for plot in (balance, *_of_inputs(data), *rest) if plot]


def _of_inputs(data: Mapping[str, Any]) -> list[Plot]:
    """What the kinds of the inputs draw of their own facts."""
    encoded = {"kind": data.get("encoded", TEXT), "lengths": data["lengths"]}
    found: list[Plot] = []
    for name, facts in {**({"": encoded} if data["lengths"] else {}), **data.get("inputs", {})}.items():
        # A page that is made again of an old report may be made without the extension that brought the kind.
        path = INPUTS[facts["kind"]].parts.get("plots") if facts["kind"] in INPUTS else None
        found += load(path)(name, facts) if path else []
    return found


def _balance(splits: Mapping[str, Any], labels: list[str]) -> Plot:
    names = list(splits)
    # Where a row may have several labels, there are more of these than rows.
    whole = {name: max(split["rows"], sum(split["labels"].values())) for name, split in splits.items()}
    figure = go.Figure(layout=theme.layout(height=90 + 50 * len(names), barmode="stack", bargap=0.3))
    for index, (label, counts) in enumerate(_parts(splits, labels)):
        shares = [share(count, whole[name]) for count, name in zip(counts, names, strict=True)]
        figure.add_bar(
            y=names, x=shares, name=label, orientation="h", customdata=counts,
            text=[percent(value, 0) for value in shares], textposition="inside", insidetextanchor="middle",
            marker={"pattern": {"shape": theme.PATTERNS[index % len(theme.PATTERNS)]}},
            hovertemplate=f"{label}: %{{customdata}} rows (%{{x:.1%}})<extra>%{{y}}</extra>",
        )  # fmt: skip
    figure.update_xaxes(tickformat=".0%", range=[0, 1])
    figure.update_yaxes(autorange="reversed")
    rows = [[label, *(splits[name]["labels"].get(label, 0) for name in names)] for label in labels]
    return Plot(
        "labels", "Label balance", f"Share of the labels {', '.join(labels)} in each split.", figure,
        Table(["label", *names], rows),
    )  # fmt: skip


def _parts(splits: Mapping[str, Any], labels: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Rows of each label by split; of many labels the frequent ones, and the others together."""
    counted = [(label, [split["labels"].get(label, 0) for split in splits.values()]) for label in labels]
    if len(labels) <= _MOST_LABELS:
        return counted
    frequent = sorted(counted, key=lambda item: -sum(item[1]))[: _MOST_LABELS - 1]
    others = [counts for label, counts in counted if label not in {name for name, _ in frequent}]
    return [*frequent, (f"{len(others)} others", [sum(column) for column in zip(*others, strict=True)])]


def _quarantine(reasons: Mapping[str, int]) -> Plot:
    ordered = sorted(reasons.items(), key=lambda item: item[1])
    figure = go.Figure(layout=theme.layout(height=80 + 34 * len(ordered), x="rows"))
    figure.add_bar(
        y=[name for name, _ in ordered], x=[count for _, count in ordered], orientation="h",
        text=[f"{count:,}" for _, count in ordered], textposition="auto", hovertemplate="%{y}: %{x}<extra></extra>",
    )  # fmt: skip
    return Plot(
        "quarantine", "Rows kept back, by reason",
        "Rows kept back: " + ", ".join(f"{name} {count}" for name, count in reversed(ordered)) + ".",
        figure, Table(["reason", "rows"], list(reversed(ordered))),
    )  # fmt: skip


def _judged(drift: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What can be drawn: a distance that there is, with a bound."""
    return [item for item in drift if item["bound"] and math.isfinite(item["distance"])]


def _drift(drift: Sequence[Mapping[str, Any]]) -> Plot:
    """Distances as shares of their bounds: they are measured in different units."""
    drawn = _judged(drift)
    names = [f"{item['feature']} ({item['kind']}, {item['measure']})" for item in drawn]
    shares = [item["distance"] / item["bound"] for item in drawn]
    figure = go.Figure(layout=theme.layout(height=90 + 36 * len(names), x="distance ÷ bound", bargap=0.4))
    for breached, name, pattern, colour in (
        (False, "within its bound", "", theme.GREEN),
        (True, "beyond its bound", "x", theme.VERMILLION),
    ):
        chosen = [index for index, item in enumerate(drawn) if bool(item["breached"]) == breached]
        figure.add_bar(
            y=[names[index] for index in chosen], x=[shares[index] for index in chosen], name=name, orientation="h",
            marker={"color": colour, "pattern": {"shape": pattern}},
            hovertemplate="%{y}: %{x:.2f} of the bound<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=1, line={"dash": "dash", "width": 1.5})
    figure.update_xaxes(range=[0, max(1.25, 1.1 * max(shares))])
    figure.update_yaxes(ticktext=[_broken(name) for name in names], tickvals=names, categoryarray=names)
    far = [item["feature"] for item in drift if item["breached"]]
    rows = [
        [item["feature"], item["kind"], item["measure"], f"{item['distance']:.4g}",
         "–" if item["bound"] is None else f"{item['bound']:.4g}", "beyond" if item["breached"] else "within"]
        for item in drift
    ]  # fmt: skip
    return Plot(
        "drift", "Drift and skew against their bounds",
        f"Distances of {len(drift)} features; beyond the bound: {', '.join(far) or 'none'}.", figure,
        Table(["feature", "kind", "measure", "distance", "bound", "verdict"], rows),
    )  # fmt: skip


def _broken(name: str) -> str:
    """A long name on two lines, so that a phone has room for the bars."""
    return name.replace(" (", "<br>(", 1)
