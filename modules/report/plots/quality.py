"""Plots of the model's quality: slices with intervals and bounds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from modules.quality.slice_names import shown_name
from modules.report.plots import theme
from modules.report.plots.plot import Plot

import plotly.graph_objects as go

MODELS = {"model": "this model", "previous": "blessed before", "linear": "linear baseline"}

_MOST_SLICES = 40  # in a plot, those with the most rows; the tables hold all


def quality_plots(
    quality: Mapping[str, Any], titles: Mapping[str, str], *, lower_is_better: Collection[str] = ()
) -> list[Plot]:
    """Slices by metric on eval, where the gate is.

    Args:
        quality: the section `quality` of the facts.
        titles: the target's metrics with what a person calls them.
        lower_is_better: metrics of which less is better.
    """
    evaluated, bounds = quality["splits"]["eval"], quality["thresholds"]
    if not evaluated["model"]:
        return []
    return [
        _slices(metric, title, evaluated, bounds.get(metric) or {}, lower=metric in lower_is_better)
        for metric, title in titles.items()
    ]


def _slices(
    metric: str, title: str, split: Mapping[str, Any], bounds: Mapping[str, float | None], *, lower: bool
) -> Plot:
    by_rows = sorted(split["model"]["slices"].items(), key=lambda item: -item[1]["rows"])
    largest = {name for name, _ in by_rows[:_MOST_SLICES]}
    names = ["", *(name for name in split["model"]["slices"] if name in largest)]
    shown = [shown_name(name) or "overall" for name in names]
    figure = go.Figure(layout=theme.layout(height=110 + 46 * len(names), x=f"{title} on eval"))
    for index, (key, model_title) in enumerate(MODELS.items()):
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
            x=values, y=shown, name=model_title, mode="markers", marker=marker, **extra,
            hovertemplate=f"%{{y}}: %{{x:.4f}}<extra>{model_title}</extra>",
        )  # fmt: skip
    figure.update_yaxes(range=[len(names) - 0.5, -0.95], type="category")
    _bound_lines(figure, bounds, len(names), lower=lower)
    model = split["model"]
    spread = [model["slices"][name][metric] for name in model["slices"]]
    alt = f"{title} on eval: {model[metric]:.3f} overall" + (
        f", from {min(spread):.3f} to {max(spread):.3f} over {len(spread)} slices." if spread else "."
    )
    return Plot(f"slices-{metric}", f"{title} by slice, on eval", alt, figure)


def _bound_lines(figure: go.Figure, bounds: Mapping[str, float | None], rows: int, *, lower: bool) -> None:
    """A line for each bound, over the rows that it holds for: overall is the first of them."""
    for key, first, last in (("min", -0.5, 0.5), ("max", -0.5, 0.5), ("slice_min", 0.5, rows - 0.5)):
        value = bounds.get(key)
        if value is None or last <= first:
            continue
        figure.add_shape(
            type="line", x0=value, x1=value, y0=first, y1=last, line={"dash": "dash", "width": 2}, layer="below"
        )
        side = "at most" if key == "max" or (key == "slice_min" and lower) else "at least"
        figure.add_annotation(
            x=value, y=first, text=f"{side} {value:g}", showarrow=False, yanchor="bottom", font={"size": 11}
        )


def _value(scores: Mapping[str, Any] | None, name: str, metric: str) -> float | None:
    found = (scores or {}).get("slices", {}).get(name, {}) if name else scores or {}
    return found.get(metric)
