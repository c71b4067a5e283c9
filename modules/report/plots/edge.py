"""Plots of the compression: what each variant costs and keeps, the gate among them, and the zeros of each layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent
from modules.tflite import main_score
from modules.tflite.main_score import MainScore

import plotly.graph_objects as go

REFERENCE = "reference"
_MEGA = 1e6


def edge_plots(compression: Mapping[str, Any]) -> list[Plot]:
    """The main score against size and against latency, and sparsity.

    Args:
        compression: the section `compression` of the facts.
    """
    score = main_score.of(compression)
    measured = {name: found for name, found in compression.get("variants", {}).items() if score.name in found}
    plots = []
    if measured:
        plots = [_pareto(measured, compression, axis, score) for axis in ("size", "latency")]
    if compression.get("sparsity_by_kernel"):
        plots.append(_sparsity(compression["sparsity_by_kernel"]))
    return plots


def _pareto(variants: Mapping[str, Any], compression: Mapping[str, Any], axis: str, score: MainScore) -> Plot:
    """One of the two views; the third quantity is the size of the marker."""
    title = {"size": "size in MB (logarithmic)", "latency": "p50 latency of a text in ms (logarithmic)"}[axis]
    figure = go.Figure(layout=theme.layout(height=500, x=title, y=f"{score.title} on eval"))
    longest = max(item["latency_p50_ms"] for item in variants.values())
    largest = max(item["bytes"] for item in variants.values())
    for number, (name, item) in enumerate(variants.items()):
        other = item["latency_p50_ms"] / longest if axis == "size" else item["bytes"] / largest
        symbol = theme.SYMBOLS[number % len(theme.SYMBOLS)]
        beaten = name != REFERENCE and name not in compression["pareto"]
        figure.add_scatter(
            x=[_place(item, axis)], y=[item[score.name]], mode="markers", name=_shown(name, compression),
            marker={
                "symbol": f"{symbol}-open" if beaten else symbol,
                "size": 9 + 19 * other**0.5,
                "line": {"width": 2},
            },
            hovertemplate=(
                f"{item['bytes'] / _MEGA:.2f} MB, {item['latency_p50_ms']:.2f} ms<br>"
                f"{score.title} {item[score.name]:.4f}"
                f"<extra>{_shown(name, compression)}</extra>"
            ),
        )  # fmt: skip
    figure.update_xaxes(type="log")
    _gate(figure, variants, compression["gate"], axis, score)
    selected = compression["selected"]
    if selected:
        item = variants[selected]
        figure.add_annotation(
            x=math.log10(_place(item, axis)), y=item[score.name], text="<b>selected</b>", showarrow=True,
            arrowhead=2, ax=0, ay=46,
        )  # fmt: skip
    words = {"size": "Size", "latency": "Latency"}[axis]
    alt = f"{words} against {score.title} of {len(variants)} variants. " + (
        f"Selected is {selected} with {variants[selected]['bytes'] / _MEGA:.2f} MB, "
        f"{variants[selected]['latency_p50_ms']:.2f} ms and {score.title} {variants[selected][score.name]:.4f}."
        if selected
        else "None passed the gate."
    )
    marker = "latency" if axis == "size" else "size"
    title = f"{score.title[:1].upper()}{score.title[1:]} against {axis} (larger marker: more {marker})"
    return Plot(f"pareto-{axis}", title, alt, figure)


def _shown(name: str, compression: Mapping[str, Any]) -> str:
    if name == REFERENCE:
        return "blessed model, float32"
    if name == compression["selected"]:
        return f"{name} ✓"
    return f"{name} ✗" if compression["variants"][name].get("missed") else name


def _place(item: Mapping[str, Any], axis: str) -> float:
    return item["bytes"] / _MEGA if axis == "size" else item["latency_p50_ms"]


def _gate(figure: go.Figure, variants: Mapping[str, Any], gate: Mapping[str, Any], axis: str, score: MainScore) -> None:
    """Shades where the gate lets a variant through; a bound that is not set leaves its side open."""
    reference = variants.get(REFERENCE)
    if reference is None:
        return
    places = [_place(item, axis) for item in variants.values()]
    reached = [item[score.name] for item in variants.values()]
    limits = bounds(reference, gate, score)
    edge, ceiling = limits["score"], limits[axis]
    left, right = min([*places, *([ceiling] if ceiling else [])]), max([*places, *([ceiling] if ceiling else [])])
    shown = [*reached, *([edge] if edge is not None else [])]
    low, high = min(shown), max(shown if score.lower_is_better else reached)
    margin = max(0.004, 0.15 * (high - low))
    x0, x1, y0, y1 = left / 1.6, right * 1.6, low - margin, high + margin
    figure.update_xaxes(range=[math.log10(x0), math.log10(x1)])
    figure.update_yaxes(range=[y0, y1])
    if edge is None and ceiling is None:
        return
    inside = {"y0": y0 if edge is None or score.lower_is_better else edge}
    inside["y1"] = edge if edge is not None and score.lower_is_better else y1
    figure.add_shape(
        type="rect", x0=x0, x1=ceiling or x1, **inside, layer="below",
        fillcolor=theme.GREEN, opacity=0.13, line={"width": 0},
    )  # fmt: skip
    for at, vertical in ((ceiling, True), (edge, False)):
        if at is not None:
            ends = {"x0": at, "x1": at, "y0": y0, "y1": y1} if vertical else {"x0": x0, "x1": x1, "y0": at, "y1": at}
            figure.add_shape(type="line", **ends, line={"dash": "dash", "width": 1.5}, layer="below")
    figure.add_annotation(
        x=math.log10(x0), y=y1, text="the gate lets through", showarrow=False, xanchor="left", yanchor="top",
        font={"size": 11},
    )  # fmt: skip


def bounds(
    reference: Mapping[str, Any], gate: Mapping[str, Any], score: MainScore | None = None
) -> dict[str, float | None]:
    """The gate's bounds in the units of the plot.

    Args:
        reference: what was measured of the blessed model in float32.
        gate: the section `edge_evaluator.gate`.
        score: the main score; accuracy without.

    Returns:
        The `score` that is just good enough, the largest `size` in MB and the longest `latency` in ms; None where
        nothing bounds it.
    """
    score, share = score or MainScore(), gate.get("min_size_ratio")
    drops = [(gate.get("max_drop") or {}).get(score.name), gate.get(f"max_{score.name}_drop")]
    own, sign = reference[score.name], 1 if score.lower_is_better else -1
    good = [own + sign * drop * (own if score.relative else 1) for drop in drops if drop is not None]
    good += [gate[name] for name in (f"min_{score.name}",) if gate.get(name) is not None]
    float_bytes = reference["bytes"] * reference["size_ratio"]  # of the weights, which the ratio refers to
    sizes = [gate.get("max_bytes"), float_bytes / share if share else None]
    ratio = gate.get("min_latency_ratio")
    return {
        "score": (min if score.lower_is_better else max)(good, default=None),
        "size": min((size / _MEGA for size in sizes if size), default=None),
        "latency": reference["latency_p50_ms"] / ratio if ratio else None,
    }


def _sparsity(kernels: Mapping[str, float]) -> Plot:
    """Kinds of kernels by layers; names are `layer_<i>/<kind>` and a few others."""
    layers = list(dict.fromkeys(name.partition("/")[0] for name in kernels))
    kinds = list(dict.fromkeys(name.partition("/")[2] for name in kernels))
    figure = go.Figure(layout=theme.layout(height=90 + 34 * len(kinds)))
    figure.add_heatmap(
        z=[[kernels.get(f"{layer}/{kind}") for layer in layers] for kind in kinds],
        x=[layer.replace("_", "<br>") for layer in layers], y=kinds, zmin=0, zmax=1, autocolorscale=True,
        showscale=False, xgap=2, ygap=2, texttemplate="%{z:.0%}", hoverongaps=False,
        hovertemplate="%{x} %{y}: %{z:.2%} zeros<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(type="category", tickangle=0)
    mean = sum(kernels.values()) / len(kernels)
    rows = [[name, percent(value, 2)] for name, value in kernels.items()]
    return Plot(
        "sparsity", "Zeros in each kernel of the student", f"Share of zeros; {percent(mean)} on average.", figure,
        Table(["kernel", "zeros"], rows),
    )  # fmt: skip
