"""Plots of the search for hyperparameters and of the training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table

import plotly.graph_objects as go


def tuning_plots(tuning: Mapping[str, Any]) -> list[Plot]:
    """Scores of the trials in their order, and parallel coordinates.

    Args:
        tuning: the section `tuning` of the facts.
    """
    return [_scores(tuning), _parallel(tuning)]


def training_plots(training: Mapping[str, Any]) -> list[Plot]:
    """A curve for each metric that was recorded on train and eval.

    Args:
        training: the section `training` of the facts.
    """
    history = training["history"]
    epochs = list(range(1, 1 + max((len(values) for values in history.values()), default=0)))
    names = [name for name in history if f"val_{name}" in history]
    return [_curve(name, history, epochs) for name in names]


def _scores(tuning: Mapping[str, Any]) -> Plot:
    best, objective = tuning["trials"][0], tuning["objective"].removeprefix("val_")
    in_order = sorted(tuning["trials"], key=lambda trial: str(trial["trial_id"]).zfill(6))
    figure = go.Figure(layout=theme.layout(height=260, x="trial", y=f"{objective} on eval"))
    for chosen, name, symbol in ((False, "trial", "circle-open"), (True, "best", "star")):
        trials = [trial for trial in in_order if (trial is best) == chosen]
        figure.add_scatter(
            x=[str(trial["trial_id"]) for trial in trials], y=[trial["score"] for trial in trials], name=name,
            mode="markers", marker={"symbol": symbol, "size": 14 if chosen else 10, "line": {"width": 2}},
            text=[", ".join(f"{key} {trial[key]:.3g}" for key in tuning["names"]) for trial in trials],
            hovertemplate="%{text}<br>%{y:.4f}<extra>trial %{x}</extra>",
        )  # fmt: skip
    figure.update_xaxes(type="category", categoryarray=[str(trial["trial_id"]) for trial in in_order])
    rows = [
        [str(trial["trial_id"]), f"{trial['score']:.4f}", *(f"{trial[name]:.3g}" for name in tuning["names"])]
        for trial in tuning["trials"]
    ]
    return Plot(
        "trials", "Trials",
        f"{objective} of {len(rows)} trials; the best is trial {best['trial_id']} with {best['score']:.4f}.",
        figure, Table(["trial", objective, *tuning["names"]], rows),
    )  # fmt: skip


def _parallel(tuning: Mapping[str, Any]) -> Plot:
    """Parallel coordinates as lines: Plotly's own trace of that name needs WebGL, which not every browser gives."""
    axes = [*tuning["names"], "score"]
    trials = list(reversed(tuning["trials"]))  # the best one on top of the others
    places: dict[str, list[float]] = {}
    figure = go.Figure(layout=theme.layout(height=300, hovermode="closest"))
    for axis in axes:
        logarithmic = axis in tuning["logarithmic"]
        values = [math.log(trial[axis]) if logarithmic else float(trial[axis]) for trial in trials]
        low, high = min(values), max(values)
        places[axis] = [(value - low) / (high - low) if high > low else 0.5 for value in values]
        for value, height, anchor, shift in ((high, 1, "bottom", 8), (low, 0, "top", -8)):
            shown = math.exp(value) if logarithmic else value
            figure.add_annotation(x=axis, y=height, text=f"{shown:.3g}", yanchor=anchor, yshift=shift, showarrow=False)
        figure.add_vline(x=axes.index(axis), line={"color": theme.GREY, "width": 1})
    for number, trial in enumerate(trials):
        best = number == len(trials) - 1
        figure.add_scatter(
            x=axes, y=[places[axis][number] for axis in axes], mode="lines+markers",
            name=f"trial {trial['trial_id']}" + (" (best)" if best else ""),
            line={"width": 4 if best else 1.5, "dash": "solid" if best else theme.DASHES[1 + number % 5]},
            marker={"size": 8, "symbol": theme.SYMBOLS[number % len(theme.SYMBOLS)]},
            text=[f"{axis} {trial[axis]:.4g}" for axis in axes], hovertemplate="%{text}<extra>%{fullData.name}</extra>",
            showlegend=len(trials) <= 8,
        )  # fmt: skip
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(visible=False, range=[-0.2, 1.2])
    return Plot(
        "parallel", "Parallel coordinates",
        f"Each trial as a line through {', '.join(axes)}; the thick line is the best trial.", figure,
    )  # fmt: skip


def _curve(name: str, history: Mapping[str, list[float]], epochs: list[int]) -> Plot:
    shown = {"train": history[name], "eval": history[f"val_{name}"]}
    figure = go.Figure(layout=theme.layout(height=260, x="epoch", y=name))
    for index, (split, values) in enumerate(shown.items()):
        figure.add_scatter(
            x=epochs[: len(values)], y=values, name=split, mode="lines+markers",
            line={"dash": theme.DASHES[index]}, marker={"symbol": theme.SYMBOLS[index], "size": 9},
            hovertemplate="%{y:.4f}",
        )  # fmt: skip
    figure.update_xaxes(dtick=max(1, len(epochs) // 8))
    rows = [
        [epoch, *(f"{values[epoch - 1]:.4f}" if epoch <= len(values) else "" for values in shown.values())]
        for epoch in epochs
    ]
    last = ", ".join(f"{values[-1]:.3f} on {split}" for split, values in shown.items() if values)
    return Plot(f"curve-{name}", name, f"{name} by epoch; at the end {last}.", figure, Table(["epoch", *shown], rows))
