"""`monitor.html`: what the windows were like, in one file that needs nothing but a browser, as the report is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table
from modules.report.render import document

import plotly.graph_objects as go

from pipeline.traffic.reference import Reference
from pipeline.traffic.status import Status
from pipeline.traffic.window import ALL, Closed

_SECTIONS = (
    ("alerts", "Alerts"), ("traffic", "What is served"), ("labels", "Labels"), ("quality", "Quality"),
    ("drift", "Drift"),
)  # fmt: skip
_MOST_LINES = 8
_MOST_ROWS = 50  # of the numbers below a plot, the newest windows

Lines = Mapping[str, Sequence[float | None]]


def page(status: Status, windows: Sequence[Closed], reference: Reference) -> str:
    """The document.

    Args:
        status: of the monitor.
        windows: closed ones, the oldest first.
        reference: what they are compared with.
    """
    plots = {
        "traffic": _traffic(windows) if windows else [],
        "labels": _labels(windows, reference),
        "quality": _quality(windows, reference),
        "drift": _drift(windows),
    }
    alerts = [
        (item.rule, item.series, item.severity, item.since, f"{item.value:.4g}", f"{item.bound:.4g}", item.message)
        for item in status.firing
    ]
    newest = windows[-1] if windows else None
    tiles = [
        ("Rows", f"{status.rows:,}", f"in {status.windows:,} windows"),
        ("Newest window", f"{newest.rows:,} rows" if newest else "none", _when(newest.end) if newest else ""),
        ("Estimated accuracy", _percent(newest.estimate.get("value") if newest else None),
         f"{_percent(reference.accuracy)} on eval"),
        ("Labelled rows", f"{status.labelled:,}", "whose right answer arrived"),
    ]  # fmt: skip
    return document(
        "monitor.html.j2", plots, folder=Path(__file__).parent / "templates",
        status=status, tiles=tiles, sections=_SECTIONS, facts={"alerts": alerts, **plots},
    )  # fmt: skip


def _traffic(windows: Sequence[Closed]) -> list[Plot]:
    times = {name: [window.milliseconds.get(name) for window in windows] for name in ("p50", "p95", "p99")}
    found = [_plot("volume", "Rows in a window", "rows", windows, {"rows": [window.rows for window in windows]})]
    if any(value is not None for values in times.values() for value in values):
        found.append(_plot("latency", "Time of the requests", "ms", windows, times))
    errors = [window.errors / window.rows if window.rows else None for window in windows]
    return [*found, _plot("errors", "Rows without an answer", "share", windows, {"share": errors})]


def _labels(windows: Sequence[Closed], reference: Reference) -> list[Plot]:
    shown = sorted(reference.answered, key=lambda label: -reference.answered[label])[:_MOST_LINES]
    parts = sorted({part for window in windows for part in window.labels}, key=lambda part: (part != ALL, part))
    found = []
    for number, part in enumerate(parts[: 1 + _MOST_LINES]):
        lines = {label: [_share(window, label, part) for window in windows] for label in shown}
        flat = {label: reference.answered[label] for label in shown} if part == ALL else {}
        found.append(_plot(f"labels-{number}", part or "All rows", "share", windows, lines, flat=flat))
    sure = {
        "mean score": [window.confidence for window in windows],
        "entropy, bits": [item.entropy for item in windows],
    }
    return [*found, _plot("confidence", "How sure the model is", "", windows, sure)] if found else []


def _quality(windows: Sequence[Closed], reference: Reference) -> list[Plot]:
    found = []
    for name, title in reference.titles.items():
        lines: dict[str, list[float | None]] = {}
        if any(window.quality for window in windows):
            for end, told in (("value", "labelled"), ("low", "lower end"), ("high", "upper end")):
                lines[told] = [window.quality[name][end] if window.quality else None for window in windows]
        if name == "accuracy" and any(window.estimate for window in windows):
            lines["estimated"] = [window.estimate.get("value") for window in windows]
        if lines:
            flat = {"eval": reference.scores[name]["value"]}
            found.append(_plot(f"quality-{name}", title, title, windows, lines, flat=flat))
    return found


def _drift(windows: Sequence[Closed]) -> list[Plot]:
    bounds = {item["feature"]: item["bound"] for window in windows for item in window.drift if item["bound"]}
    if not bounds:
        return []
    lines: dict[str, list[float | None]] = {feature: [] for feature in sorted(bounds)}
    for window in windows:
        there = {item["feature"]: item["distance"] / bounds[item["feature"]]
                 for item in window.drift if item["feature"] in bounds}  # fmt: skip
        for feature, values in lines.items():
            values.append(there.get(feature))
    return [_plot("distances", "Distances, times the bound", "times the bound", windows, lines, flat={"bound": 1.0})]


def _plot(
    name: str, title: str, y: str, windows: Sequence[Closed], lines: Lines, *, flat: Mapping[str, float] | None = None
) -> Plot:
    times = [_when(window.end) for window in windows]
    figure = go.Figure(layout=theme.layout(height=280, x="end of the window, UTC", y=y))
    for number, (line, values) in enumerate(lines.items()):
        figure.add_scatter(
            x=times, y=list(values), name=line, mode="lines+markers", connectgaps=False,
            line={"dash": theme.DASHES[number % len(theme.DASHES)]},
            marker={"symbol": theme.SYMBOLS[number % len(theme.SYMBOLS)], "size": 5},
        )  # fmt: skip
    for line, value in (flat or {}).items():
        figure.add_hline(y=value, line={"dash": "dot", "width": 1}, annotation_text=f"{line} {value:.3g}")
    newest = [values[-1] for values in lines.values()]
    told = ", ".join(f"{line} {_cell(value)}" for line, value in zip(lines, newest, strict=True))
    rows = [
        [time, *(_cell(values[number]) for values in lines.values())]
        for number, time in list(enumerate(times))[-_MOST_ROWS:]
    ]
    return Plot(name, title, f"{title} by window; in the newest: {told}.", figure, Table(["end", *lines], rows))


def _share(window: Closed, label: str, part: str) -> float | None:
    return window.share(label, part) if window.labels.get(part) else None


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _when(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")
