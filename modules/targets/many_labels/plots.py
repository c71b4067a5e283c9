"""Plots of several labels a row: each label's scores, and how many labels rows have and get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent

import plotly.graph_objects as go

_MOST = 20  # labels in a plot, the worst ones


def many_labels_plots(quality: Mapping[str, Any], labels: list[str]) -> list[Plot]:
    """Both of test.

    Args:
        quality: the section `quality` of the facts, with what `modules.targets.many_labels.scoring` gave.
        labels: label names in id order.
    """
    tested = quality["splits"]["test"]
    if not tested.get("by_label"):
        return []
    return [_by_label(tested["by_label"]), _several(tested["several"])]


def _by_label(found: Mapping[str, Mapping[str, float]]) -> Plot:
    """Every label in the table, the worst of them in the plot."""
    order = sorted(found, key=lambda label: (not found[label]["rows"], found[label]["f1"], label))
    worst = [label for label in order if found[label]["rows"]][:_MOST]
    figure = go.Figure(layout=theme.layout(height=130 + 30 * max(len(worst), 1), x="share", y=""))
    for name in ("recall", "precision"):
        figure.add_bar(
            x=[found[label][name] for label in worst], y=worst, name=name, orientation="h",
            hovertemplate=f"%{{y}}: {name} %{{x:.1%}}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    rows = [
        [label, int(found[label]["rows"]), *(percent(found[label][name]) for name in ("recall", "precision", "f1"))]
        for label in order
    ]
    shown = ", ".join(f"{label} {percent(found[label]['f1'])}" for label in worst[:3])
    return Plot(
        "by-label", f"The {len(worst)} labels with the lowest F1 of {len(found)}, on test", f"Lowest F1: {shown}.",
        figure, Table(["label", "rows", "recall", "precision", "F1"], rows),
    )  # fmt: skip


def _several(counts: Mapping[str, list[int]]) -> Plot:
    figure = go.Figure(layout=theme.layout(height=300, x="labels of a row", y="rows"))
    for number, (name, of_count) in enumerate(counts.items()):
        figure.add_bar(
            x=list(range(len(of_count))), y=of_count, name=name, marker={"pattern": {"shape": theme.PATTERNS[number]}},
            hovertemplate=f"%{{x}} labels {name}: %{{y}} rows<extra></extra>",
        )  # fmt: skip
    most = max(map(len, counts.values()))
    rows = [
        [number, *(of_count[number] if number < len(of_count) else 0 for of_count in counts.values())]
        for number in range(most)
    ]
    means = {
        name: sum(number * rows for number, rows in enumerate(of_count)) / max(sum(of_count), 1)
        for name, of_count in counts.items()
    }
    alt = ", ".join(f"{mean:.2f} labels {name} on average" for name, mean in means.items())
    return Plot(
        "several-labels", "How many labels rows have and get, on test", f"{alt[:1].upper()}{alt[1:]}.",
        figure, Table(["labels", *counts], rows),
    )  # fmt: skip
