"""Plots of the model's quality: slices with intervals and bounds, confusion, calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent

import numpy as np
import plotly.graph_objects as go

METRICS = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
MODELS = {"model": "this model", "previous": "blessed before", "linear": "linear baseline"}

_MOST_SLICES = 40  # in a plot, those with the most rows; the tables hold all
_FEW_LABELS = 8


def quality_plots(quality: Mapping[str, Any], labels: list[str]) -> list[Plot]:
    """Slices by metric on eval, where the gate is; confusion and calibration on test.

    Args:
        quality: the section `quality` of the facts.
        labels: label names in id order.
    """
    evaluated, tested = quality["splits"]["eval"], quality["splits"]["test"]
    plots = []
    if evaluated["model"]:
        plots = [_slices(metric, evaluated, quality["thresholds"].get(metric) or {}) for metric in METRICS]
    if tested.get("confusion"):
        plots += [_confusion(np.array(tested["confusion"]), labels), _calibration(tested["calibration"])]
    return plots


def _slices(metric: str, split: Mapping[str, Any], bounds: Mapping[str, float | None]) -> Plot:
    by_rows = sorted(split["model"]["slices"].items(), key=lambda item: -item[1]["rows"])
    largest = {name for name, _ in by_rows[:_MOST_SLICES]}
    names = ["", *(name for name in split["model"]["slices"] if name in largest)]
    shown = [name or "overall" for name in names]
    figure = go.Figure(layout=theme.layout(height=110 + 46 * len(names), x=f"{METRICS[metric]} on eval"))
    for index, (key, title) in enumerate(MODELS.items()):
        values = [_value(split[key], name, metric) for name in names]
        if all(value is None for value in values):
            continue
        marker = {"symbol": theme.SYMBOLS[index], "size": 12 if key == "model" else 9}
        extra: dict[str, Any] = {}
        if key == "model" and split.get("intervals"):
            ends = [split["intervals"].get(name, {}).get(metric) for name in names]
            known = [
                (end, value) if end and value is not None else None for end, value in zip(ends, values, strict=True)
            ]
            extra["error_x"] = {
                "type": "data", "symmetric": False, "thickness": 1.5,
                "array": [max(0.0, item[0]["high"] - item[1]) if item else 0 for item in known],
                "arrayminus": [max(0.0, item[1] - item[0]["low"]) if item else 0 for item in known],
            }  # fmt: skip
        figure.add_scatter(
            x=values, y=shown, name=title, mode="markers", marker=marker, **extra,
            hovertemplate=f"%{{y}}: %{{x:.4f}}<extra>{title}</extra>",
        )  # fmt: skip
    figure.update_yaxes(range=[len(names) - 0.5, -0.95], type="category")
    _bound_lines(figure, bounds, len(names))
    model = split["model"]
    spread = [model["slices"][name][metric] for name in model["slices"]]
    alt = f"{METRICS[metric]} on eval: {model[metric]:.3f} overall" + (
        f", from {min(spread):.3f} to {max(spread):.3f} over {len(spread)} slices." if spread else "."
    )
    return Plot(f"slices-{metric}", f"{METRICS[metric]} by slice, on eval", alt, figure)


def _bound_lines(figure: go.Figure, bounds: Mapping[str, float | None], rows: int) -> None:
    """A line for each bound, over the rows that it holds for: overall is the first of them."""
    for key, first, last in (("min", -0.5, 0.5), ("max", -0.5, 0.5), ("slice_min", 0.5, rows - 0.5)):
        value = bounds.get(key)
        if value is None or last <= first:
            continue
        figure.add_shape(
            type="line", x0=value, x1=value, y0=first, y1=last, line={"dash": "dash", "width": 2}, layer="below"
        )
        side = "at most" if key == "max" else "at least"
        figure.add_annotation(
            x=value, y=first, text=f"{side} {value:g}", showarrow=False, yanchor="bottom", font={"size": 11}
        )


def _value(scores: Mapping[str, Any] | None, name: str, metric: str) -> float | None:
    found = (scores or {}).get("slices", {}).get(name, {}) if name else scores or {}
    return found.get(metric)


def _confusion(table: np.ndarray, labels: list[str]) -> Plot:
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    row = 60 if len(labels) <= _FEW_LABELS else 26  # pixels
    figure = go.Figure(layout=theme.layout(height=130 + row * len(labels), x="predicted", y="true"))
    figure.add_heatmap(
        z=shares.tolist(), x=labels, y=labels, text=[[f"{cell:,}" for cell in row] for row in table], zmin=0, zmax=1,
        autocolorscale=True, showscale=False, xgap=2, ygap=2,
        texttemplate="%{z:.1%}<br>%{text}" if len(labels) <= _FEW_LABELS else "%{text}",
        hovertemplate="%{y} taken for %{x}: %{text} rows, %{z:.1%}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(type="category", side="top")
    right = np.diagonal(shares)
    alt = "Share recognised: " + ", ".join(
        f"{label} {percent(value)}" for label, value in zip(labels, right, strict=True)
    )
    rows = [[label, *(int(cell) for cell in row)] for label, row in zip(labels, table, strict=True)]
    return Plot(
        "confusion", "Confusion matrix, on test", alt + ".", figure, Table(["true \\ predicted", *labels], rows)
    )


def _calibration(calibration: Mapping[str, Any]) -> Plot:
    bins = calibration["bins"]
    figure = go.Figure(layout=theme.layout(height=320, x="confidence", y="share that is right"))
    figure.add_scatter(
        x=[item["confidence"] for item in bins], y=[item["accuracy"] for item in bins], name="this model",
        mode="lines+markers", marker={"size": 9}, customdata=[item["rows"] for item in bins],
        error_y={
            "type": "data", "symmetric": False, "thickness": 1.2,
            "array": [item["high"] - item["accuracy"] for item in bins],
            "arrayminus": [item["accuracy"] - item["low"] for item in bins],
        },
        hovertemplate="confidence %{x:.2f}: %{y:.1%} of %{customdata} rows right<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="perfect", line={"dash": "dash", "color": theme.GREY}, hoverinfo="skip"
    )
    low = min([item["confidence"] for item in bins] + [item["low"] for item in bins])
    figure.update_xaxes(range=[min(item["confidence"] for item in bins) - 0.03, 1.01], tickformat=".0%")
    figure.update_yaxes(range=[max(0.0, low - 0.03), 1.01], tickformat=".0%")
    rows = [
        [percent(item["confidence"]), percent(item["accuracy"]), f"{percent(item['low'])} – {percent(item['high'])}",
         item["rows"]]
        for item in bins
    ]  # fmt: skip
    return Plot(
        "calibration", "Calibration, on test",
        f"Confidence against the share that is right; expected calibration error {calibration['error']:.4f}.",
        figure, Table(["mean confidence", "right", "95 % interval", "rows"], rows),
    )  # fmt: skip
