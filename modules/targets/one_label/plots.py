"""Plots of one label's answers: the confusion matrix, and calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent

import numpy as np
import plotly.graph_objects as go

_FEW_LABELS = 8


def label_plots(quality: Mapping[str, Any], labels: list[str]) -> list[Plot]:
    """Confusion and calibration on test.

    Args:
        quality: the section `quality` of the facts, with what `modules.targets.one_label.scoring` gave.
        labels: label names in id order.
    """
    tested = quality["splits"]["test"]
    if not tested.get("confusion"):
        return []
    return [_confusion(np.array(tested["confusion"]), labels), _calibration(tested["calibration"])]


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
