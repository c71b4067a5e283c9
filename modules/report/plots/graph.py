"""Plots of the run: the graph with the state of each node, and what each took."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table

import plotly.graph_objects as go

Graph = Sequence[tuple[str, Sequence[str]]]
Place = tuple[float, int]
# Words, symbol, pattern and colour of each state; `part` is a node of a graph whose run is not known.
_STATES = {
    "executed": ("executed", "circle", "", theme.GREEN),
    "cached": ("from the cache", "diamond", "/", theme.SKY),
    "resolved": ("looked up", "square", ".", theme.PURPLE),
    "failed": ("failed", "x", "x", theme.VERMILLION),
    "": ("not reached", "circle-open", "", theme.GREY),
    "part": ("node", "circle", "", theme.SKY),
}
_LEVEL = 62  # pixels between two levels of the graph
_PASSING = 0.3  # width of an edge that passes a level, beside a node's


def graph_plots(graph: Graph, run: Mapping[str, Any] | None) -> list[Plot]:
    """The graph, and where the run is known the times.

    Args:
        graph: pairs of a node's id and the ids that it comes after.
        run: `states` and `seconds` by node; None where nothing is known of the run.
    """
    states = dict(run["states"]) if run else {name: "part" for name, _ in graph}
    plots = [_graph(graph, states, run["seconds"] if run else {})]
    return [*plots, _times(graph, states, run["seconds"])] if run and run["seconds"] else plots


def placed(graph: Graph) -> tuple[dict[str, Place], list[list[Place]]]:
    """Where nodes stand and how edges run: by levels, each node below the middle of what leads to it.

    An edge that passes a level has a place of its own there, so that it runs around the nodes and not through them
    (Sugiyama et al. 1981, "Methods for Visual Understanding of Hierarchical System Structures").

    Args:
        graph: in topological order.

    Returns:
        By node its place across, from 0 to 1, and its level; and for each edge the places that it goes through.
    """
    level: dict[str, int] = {}
    for name, after in graph:
        level[name] = 1 + max((level[other] for other in after if other in level), default=-1)
    above: dict[Any, list[Any]] = {name: [] for name, _ in graph}
    ways = []
    for source, target in direct(graph):
        passed = [(source, target, depth) for depth in range(level[source] + 1, level[target])]
        ways.append([source, *passed, target])
        for before, behind in itertools.pairwise(ways[-1]):
            above.setdefault(behind, []).append(before)
    rows: dict[int, list[Any]] = {}
    for item in above:
        rows.setdefault(item[2] if isinstance(item, tuple) else level[item], []).append(item)
    places: dict[Any, Place] = {}
    for depth in sorted(rows):
        middles = {item: [places[other][0] for other in above[item]] for item in rows[depth]}
        row = sorted(rows[depth], key=lambda item: statistics.mean(middles[item]) if middles[item] else 0.5)
        widths = [_PASSING if isinstance(item, tuple) else 1.0 for item in row]
        for item, width, right in zip(row, widths, itertools.accumulate(widths), strict=True):
            places[item] = (right - width / 2) / sum(widths), depth
    return {name: places[name] for name, _ in graph}, [[places[item] for item in way] for way in ways]


def direct(graph: Graph) -> list[tuple[str, str]]:
    """The edges that no longer way replaces, so that a plot shows the order and not a thicket.

    Args:
        graph: in topological order.
    """
    before: dict[str, set[str]] = {}
    edges = []
    for name, after in graph:
        known = [other for other in after if other in before]
        before[name] = set(known).union(*(before[other] for other in known))
        edges += [(other, name) for other in known if not any(other in before[third] for third in known)]
    return edges


def _graph(graph: Graph, states: Mapping[str, str], seconds: Mapping[str, float]) -> Plot:
    places, ways = placed(graph)
    depth = max((level for _, level in places.values()), default=0)
    figure = go.Figure(layout=theme.layout(height=80 + _LEVEL * (depth + 1), hovermode="closest"))
    for way in ways:
        for (x0, y0), (x1, y1) in itertools.pairwise(way):
            figure.add_shape(
                type="line", x0=x0, y0=y0, x1=x1, y1=y1, line={"color": theme.GREY, "width": 1.2}, layer="below"
            )
    for state, (words, symbol, _, colour) in _STATES.items():
        names = [name for name, _ in graph if states.get(name, "") == state]
        if names:
            figure.add_scatter(
                x=[places[name][0] for name in names], y=[places[name][1] for name in names], name=words,
                mode="markers", text=names,
                marker={"symbol": symbol, "size": 15, "color": colour, "line": {"width": 2}},
                hovertemplate="%{text}<extra>" + words + "</extra>",
            )  # fmt: skip
    for name, (across, level) in places.items():
        text = name + (f"<br>{_time(seconds[name])}" if name in seconds else "")
        figure.add_annotation(
            x=across, y=level, text=text, showarrow=False, yanchor="top", yshift=-9, font={"size": 10.5}
        )
    figure.update_xaxes(visible=False, range=[0, 1])
    figure.update_yaxes(visible=False, range=[depth + 0.75, -0.35])
    counted = [
        f"{sum(states.get(name, '') == state for name, _ in graph)} {words}" for state, (words, *_) in _STATES.items()
        if any(states.get(name, "") == state for name, _ in graph)
    ]  # fmt: skip
    rows = [
        [name, _STATES[states.get(name, "")][0], _time(seconds[name]) if name in seconds else "", ", ".join(after)]
        for name, after in graph
    ]
    return Plot(
        "graph", "The graph", f"{len(graph)} nodes: {', '.join(counted)}.", figure,
        Table(["node", "state", "time", "after"], rows), wide=len(seconds) == 0,
    )  # fmt: skip


def _times(graph: Graph, states: Mapping[str, str], seconds: Mapping[str, float]) -> Plot:
    names = [name for name, _ in graph if name in seconds]
    figure = go.Figure(layout=theme.layout(height=110 + 28 * len(names), x="seconds", bargap=0.25, barmode="overlay"))
    for state, (words, _, pattern, colour) in _STATES.items():
        chosen = [name for name in names if states.get(name, "") == state]
        if chosen:
            figure.add_bar(
                y=chosen, x=[seconds[name] for name in chosen], name=words, orientation="h",
                text=[_time(seconds[name]) for name in chosen], textposition="auto", insidetextanchor="end",
                marker={"color": colour, "pattern": {"shape": pattern}},
                hovertemplate="%{y}: %{x:.1f} s<extra>" + words + "</extra>",
            )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category", categoryorder="array", categoryarray=names)
    longest = max(names, key=lambda name: seconds[name])
    return Plot(
        "times", "Time of each node",
        f"{_time(sum(seconds[name] for name in names))} in all; the longest is {longest} with "
        f"{_time(seconds[longest])}.", figure,
    )  # fmt: skip


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
