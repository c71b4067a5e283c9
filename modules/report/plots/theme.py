"""Colours of the report's plots, for a light and a dark page, told apart without colour vision.

The colours are those of Okabe and Ito 2008, "Color Universal Design", https://jfly.uni-koeln.de/color/; plots add
symbols, dashes or patterns, so that no meaning hangs on colour alone.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#808890"
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "hexagon", "triangle-down", "pentagon", "x")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
PATTERNS = ("", "/", ".", "x", "-", "+")
_COLOURS = {
    "light": (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, "#000000", GREY),
    "dark": (SKY, ORANGE, GREEN, PURPLE, YELLOW, VERMILLION, "#FFFFFF", GREY),
}
_TEXT = {"light": "#1b2026", "dark": "#e6e9ec"}
_GRID = {"light": "#dfe3e8", "dark": "#343b43"}
_SURFACE = {"light": "#ffffff", "dark": "#1b2026"}
# From the page's own background to the first colour.
_RAMP = {"light": [[0, "#f1f6fa"], [1, "#00558a"]], "dark": [[0, "#222a31"], [1, "#8fd0f7"]]}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def templates() -> dict[str, Any]:
    """Plotly templates `light` and `dark`, as JSON values; the page takes the one that its reader prefers."""
    return {name: _template(name).to_plotly_json() for name in ("light", "dark")}


def layout(*, height: int, x: str = "", y: str = "", **more: Any) -> go.Layout:
    """What all plots have in common.

    Args:
        height: pixels; the width follows the page.
        x: title of the horizontal axis.
        y: title of the vertical axis.
        **more: further fields of `go.Layout`; `xaxis` and `yaxis` are merged with the titles.
    """
    # A finger that scrolls the page must not zoom a plot.
    axes = {
        name: {"title": {"text": title}, "fixedrange": True, "automargin": True, **more.pop(name, {})}
        for name, title in (("xaxis", x), ("yaxis", y))
    }
    return go.Layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 12, "b": 8},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "xanchor": "left", "traceorder": "normal"},
        dragmode=False,
        **axes,
        **more,
    )


def _template(name: str) -> go.layout.Template:
    axis = {
        "gridcolor": _GRID[name],
        "linecolor": _GRID[name],
        "zerolinecolor": _GRID[name],
        "tickcolor": _GRID[name],
        "title": {"standoff": 8},
    }
    return go.layout.Template(
        layout={
            "font": {"family": _FONT, "size": 12, "color": _TEXT[name]},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(_COLOURS[name]),
            "colorscale": {"sequential": _RAMP[name]},
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {"bgcolor": _SURFACE[name], "font": {"color": _TEXT[name]}, "bordercolor": _GRID[name]},
            # On the page's own ground, so that no line runs through the words.
            "annotationdefaults": {
                "font": {"color": _TEXT[name]},
                "arrowcolor": _TEXT[name],
                "bgcolor": _SURFACE[name],
                "borderpad": 1,
            },
            "shapedefaults": {"line": {"color": _TEXT[name]}},
        },
        data={
            "bar": [{"marker": {"line": {"width": 0}, "pattern": {"fgcolor": _SURFACE[name], "fillmode": "overlay"}}}],
        },
    )
