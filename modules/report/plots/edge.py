"""Plots of the compression: what each variant costs and keeps, the gate among them, and the zeros of each layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent

import plotly.graph_objects as go

REFERENCE = "reference"
_MEGA = 1e6


def edge_plots(compression: Mapping[str, Any]) -> list[Plot]:
    """Accuracy against size and against latency, and sparsity.

    Args:
        compression: the section `compression` of the facts.
    """
    measured = {name: found for name, found in compression.get("variants", {}).items() if "accuracy" in found}
    plots = []
    if measured:
        plots = [_pareto(measured, compression, axis) for axis in ("size", "latency")]
    if compression.get("sparsity_by_kernel"):
        plots.append(_sparsity(compression["sparsity_by_kernel"]))
    return plots


def _pareto(variants: Mapping[str, Any], compression: Mapping[str, Any], axis: str) -> Plot:
    """One of the two views; the third quantity is the size of the marker."""
    title = {"size": "size in MB (logarithmic)", "latency": "p50 latency of a text in ms (logarithmic)"}[axis]
    figure = go.Figure(layout=theme.layout(height=500, x=title, y="accuracy on eval"))
    longest = max(item["latency_p50_ms"] for item in variants.values())
    largest = max(item["bytes"] for item in variants.values())
    for number, (name, item) in enumerate(variants.items()):
        other = item["latency_p50_ms"] / longest if axis == "size" else item["bytes"] / largest
        symbol = theme.SYMBOLS[number % len(theme.SYMBOLS)]
        beaten = name != REFERENCE and name not in compression["pareto"]
        figure.add_scatter(
            x=[_place(item, axis)], y=[item["accuracy"]], mode="markers", name=_shown(name, compression),
            marker={
                "symbol": f"{symbol}-open" if beaten else symbol,
                "size": 9 + 19 * other**0.5,
                "line": {"width": 2},
            },
            hovertemplate=(
                f"{item['bytes'] / _MEGA:.2f} MB, {item['latency_p50_ms']:.2f} ms<br>accuracy {item['accuracy']:.4f}"
                f"<extra>{_shown(name, compression)}</extra>"
            ),
        )  # fmt: skip
    figure.update_xaxes(type="log")
    _gate(figure, variants, compression["gate"], axis)
    selected = compression["selected"]
    if selected:
        item = variants[selected]
        figure.add_annotation(
            x=math.log10(_place(item, axis)), y=item["accuracy"], text="<b>selected</b>", showarrow=True,
            arrowhead=2, ax=0, ay=46,
        )  # fmt: skip
    words = {"size": "Size", "latency": "Latency"}[axis]
    alt = f"{words} against accuracy of {len(variants)} variants. " + (
        f"Selected is {selected} with {variants[selected]['bytes'] / _MEGA:.2f} MB, "
        f"{variants[selected]['latency_p50_ms']:.2f} ms and accuracy {variants[selected]['accuracy']:.4f}."
        if selected
        else "None passed the gate."
    )
    marker = "latency" if axis == "size" else "size"
    return Plot(f"pareto-{axis}", f"Accuracy against {axis} (larger marker: more {marker})", alt, figure)


def _shown(name: str, compression: Mapping[str, Any]) -> str:
    if name == REFERENCE:
        return "blessed model, float32"
    if name == compression["selected"]:
        return f"{name} ✓"
    return f"{name} ✗" if compression["variants"][name].get("missed") else name


def _place(item: Mapping[str, Any], axis: str) -> float:
    return item["bytes"] / _MEGA if axis == "size" else item["latency_p50_ms"]


def _gate(figure: go.Figure, variants: Mapping[str, Any], gate: Mapping[str, Any], axis: str) -> None:
    """Shades where the gate lets a variant through; a bound that is not set leaves its side open."""
    reference = variants.get(REFERENCE)
    if reference is None:
        return
    places = [_place(item, axis) for item in variants.values()]
    accuracies = [item["accuracy"] for item in variants.values()]
    limits = bounds(reference, gate)
    floor, ceiling = limits["accuracy"], limits[axis]
    left, right = min([*places, *([ceiling] if ceiling else [])]), max([*places, *([ceiling] if ceiling else [])])
    low, high = min([*accuracies, *([floor] if floor else [])]), max(accuracies)
    margin = max(0.004, 0.15 * (high - low))
    x0, x1, y0, y1 = left / 1.6, right * 1.6, low - margin, high + margin
    figure.update_xaxes(range=[math.log10(x0), math.log10(x1)])
    figure.update_yaxes(range=[y0, y1])
    if floor is None and ceiling is None:
        return
    figure.add_shape(
        type="rect", x0=x0, x1=ceiling or x1, y0=floor if floor is not None else y0, y1=y1, layer="below",
        fillcolor=theme.GREEN, opacity=0.13, line={"width": 0},
    )  # fmt: skip
    for at, vertical in ((ceiling, True), (floor, False)):
        if at is not None:
            ends = {"x0": at, "x1": at, "y0": y0, "y1": y1} if vertical else {"x0": x0, "x1": x1, "y0": at, "y1": at}
            figure.add_shape(type="line", **ends, line={"dash": "dash", "width": 1.5}, layer="below")
    figure.add_annotation(
        x=math.log10(x0), y=y1, text="the gate lets through", showarrow=False, xanchor="left", yanchor="top",
        font={"size": 11},
    )  # fmt: skip


def bounds(reference: Mapping[str, Any], gate: Mapping[str, Any]) -> dict[str, float | None]:
    """The gate's bounds in the units of the plot.

    Args:
        reference: what was measured of the blessed model in float32.
        gate: the section `edge_evaluator.gate`.

    Returns:
        The lowest `accuracy`, the largest `size` in MB and the longest `latency` in ms; None where nothing bounds it.
    """
    drop, share = gate.get("max_accuracy_drop"), gate.get("min_size_ratio")
    floors = [gate.get("min_accuracy"), reference["accuracy"] - drop if drop is not None else None]
    float_bytes = reference["bytes"] * reference["size_ratio"]  # of the weights, which the ratio refers to
    sizes = [gate.get("max_bytes"), float_bytes / share if share else None]
    ratio = gate.get("min_latency_ratio")
    return {
        "accuracy": max((floor for floor in floors if floor is not None), default=None),
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
