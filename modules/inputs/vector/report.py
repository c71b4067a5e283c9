"""What the report says of readings: how they are spread by channel, and how many are missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.inputs.vector.input import Vector
from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent
from modules.tensors import Tensor

import numpy as np
import plotly.graph_objects as go

_SHOWN = (0.05, 0.5, 0.95)
_READINGS = 20_000_000  # that are held at once


def facts(part: Vector, patterns: Mapping[str, str], *, limit: int) -> dict[str, Any]:
    """Readings by channel, by split: the role `facts`, see `modules.inputs.roles`.

    Returns:
        `splits`: by split `rows`, `missing` (share by channel), and `quantiles` (5, 50 and 95 % by channel, scaled
        back; empty where a channel has no reading).
    """
    from modules.rows.batches import read_split

    [tensor] = part.tensors()
    limit = max(1, min(limit, _READINGS // (part.steps * part.channels)))
    scale = Tensor(part.scale, "float32", (2, part.channels))
    splits: dict[str, Any] = {}
    for split, pattern in patterns.items():
        rows = read_split([pattern], [scale], tensor).unbatch().take(limit).batch(1024)
        made, scales = [np.zeros((0, *tensor.shape), np.float32)], [np.zeros((0, *scale.shape), np.float32)]
        for columns, values in rows:
            made.append(values.numpy())
            scales.append(columns[part.scale].numpy())
        flat = np.concatenate(made).reshape(-1, 2 * part.channels)
        [means, factors] = np.concatenate(scales)[0] if len(flat) else np.ones((2, part.channels), np.float32)
        quantiles, missing = [], []
        for channel in range(part.channels):
            lacks = flat[:, part.channels + channel] > 0
            known = flat[~lacks, channel] / factors[channel] + means[channel]
            quantiles.append(np.quantile(known.astype(np.float64), _SHOWN).tolist() if len(known) else [])
            missing.append(float(lacks.mean()) if len(lacks) else 0.0)
        splits[split] = {"rows": len(flat) // part.steps, "missing": missing, "quantiles": quantiles}
    return {"column": part.column, "steps": part.steps, "channels": part.channels, "splits": splits}


def plots(name: str, facts: Mapping[str, Any]) -> list[Plot]:
    """Median and spread of each channel: the role `plots`, see `modules.inputs.roles`."""
    figure = go.Figure(layout=theme.layout(height=240, x=f"channel of {facts['column']}", y="reading"))
    rows = []
    for index, (split, found) in enumerate(facts["splits"].items()):
        known = [(channel, of) for channel, of in enumerate(found["quantiles"]) if of]
        figure.add_scatter(
            x=[channel for channel, _ in known], y=[of[1] for _, of in known], name=split, mode="markers",
            marker={"symbol": index},
            error_y={
                "type": "data", "array": [of[2] - of[1] for _, of in known],
                "arrayminus": [of[1] - of[0] for _, of in known], "thickness": 1,
            },
        )  # fmt: skip
        for channel, of in enumerate(found["quantiles"]):
            shown = [f"{value:.4g}" for value in of] or ["–"] * len(_SHOWN)
            rows.append([split, channel, found["rows"], percent(found["missing"][channel]), *shown])
    steps = f" over {facts['steps']} steps" if facts["steps"] > 1 else ""
    drawn = Plot(
        f"{name}-channels", f"Readings of {facts['column']} by channel",
        f"Median of each of {facts['channels']} channels{steps}, with the range from 5 % to 95 % of the readings.",
        figure, Table(["split", "channel", "rows", "missing", "5 %", "median", "95 %"], rows),
    )  # fmt: skip
    return [drawn]
