"""What the report says of a time: how many rows have none, and how they are spread over day, week and year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.inputs.time.calendar import PLACES
from modules.inputs.time.input import Time
from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent, share

import numpy as np
import plotly.graph_objects as go

_BINS = {"hour_of_day": 24, "day_of_week": 7, "day_of_year": 12}
_SHOWN = {
    "hour_of_day": ("hour of the day", [f"{hour:02d}:00" for hour in range(24)]),
    "day_of_week": ("day of the week", ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]),
    "day_of_year": ("twelfth of the year", [str(number) for number in range(1, 13)]),
}


def facts(part: Time, patterns: Mapping[str, str], *, limit: int) -> dict[str, Any]:
    """Rows by time, by split: the role `facts`, see `modules.inputs.roles`.

    Returns:
        `splits`: by split `rows`, `missing`, and by cycle `counts`: rows by hour, day of the week, twelfth of the year.
    """
    from modules.rows.batches import read_split

    [tensor] = part.tensors()
    splits: dict[str, Any] = {}
    for split, pattern in patterns.items():
        rows = read_split([pattern], [], tensor).unbatch().take(limit).batch(1024)
        made = np.concatenate([np.zeros((0, *tensor.shape), np.float32), *(values.numpy() for _, values in rows)])
        known = made[made[:, -1] == 0]
        counts = {}
        for number, cycle in enumerate(part.cycles):
            turned = np.arctan2(known[:, 2 * number], known[:, 2 * number + 1]) / (2 * np.pi) % 1.0
            places = np.rint(turned * PLACES[cycle]).astype(int) % PLACES[cycle]
            counts[cycle] = np.bincount(places * _BINS[cycle] // PLACES[cycle], minlength=_BINS[cycle]).tolist()
        splits[split] = {"rows": len(made), "missing": len(made) - len(known), "counts": counts}
    return {"column": part.column, "clock": part.clock, "splits": splits}


def plots(name: str, facts: Mapping[str, Any]) -> list[Plot]:
    """Shares of the rows by time, a plot for each cycle: the role `plots`, see `modules.inputs.roles`."""
    column, splits = facts["column"], facts["splits"]
    drawn = []
    for cycle in next(iter(splits.values()), {"counts": {}})["counts"]:
        what, labels = _SHOWN[cycle]
        figure = go.Figure(layout=theme.layout(height=220, x=f"{what} ({facts['clock']})", y="share of rows"))
        rows = []
        for split, found in splits.items():
            shares = [round(share(count, found["rows"]), 5) for count in found["counts"][cycle]]
            figure.add_bar(x=labels, y=shares, name=split)
            rows.append([split, found["rows"], percent(share(found["missing"], found["rows"])), *map(percent, shares)])
        figure.update_yaxes(tickformat=".0%", rangemode="tozero")
        alt = f"Share of rows by {what} of {column}; {rows[0][2]} of {rows[0][0]} have none."
        table = Table(["split", "rows", "without", *labels], rows)
        drawn.append(Plot(f"{name}-{cycle.replace('_', '-')}", f"{column} by {what}", alt, figure, table))
    return drawn
