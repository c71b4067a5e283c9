"""What the report says of a number: how many rows have none, and how the numbers of each split are spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.inputs.number.input import Number
from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent, share
from modules.tensors import Tensor

import numpy as np
import plotly.graph_objects as go

_BINS = 40
_SHOWN = (0.05, 0.5, 0.95)


def facts(part: Number, patterns: Mapping[str, str], *, limit: int) -> dict[str, Any]:
    """Rows by number, by split: the role `facts`, see `modules.inputs.roles`.

    Returns:
        `splits`: by split `rows`, `missing`, `quantiles` (5, 50 and 95 %), and `counts` of the rows between `edges`.
    """
    from modules.rows.batches import read_split

    [tensor] = part.tensors()
    splits: dict[str, Any] = {}
    found: dict[str, np.ndarray] = {}
    for split, pattern in patterns.items():
        rows = read_split([pattern], [Tensor(part.scale, "float32", (2,))], tensor).unbatch().take(limit).batch(1024)
        parts = [(values.numpy(), columns[part.scale].numpy()) for columns, values in rows]
        nothing = np.zeros((0, 2), np.float32)
        scaled, missing = np.concatenate([nothing, *(values for values, _ in parts)]).T
        mean, factor = np.concatenate([nothing, *(scale for _, scale in parts)]).T
        found[split] = (scaled / factor + mean)[missing == 0].astype(np.float64)
        splits[split] = {"rows": len(missing), "missing": int((missing > 0).sum())}
    together = np.concatenate(list(found.values()))
    edges = np.histogram_bin_edges(together, _BINS) if len(together) else np.linspace(0, 1, _BINS + 1)
    for split, numbers in found.items():
        splits[split]["counts"] = np.histogram(numbers, edges)[0].tolist()
        splits[split]["quantiles"] = np.quantile(numbers, _SHOWN).tolist() if len(numbers) else []
    return {"column": part.column, "edges": edges.tolist(), "splits": splits}


def plots(name: str, facts: Mapping[str, Any]) -> list[Plot]:
    """Shares of the rows by number: the role `plots`, see `modules.inputs.roles`."""
    figure = go.Figure(layout=theme.layout(height=240, x=facts["column"], y="share of rows", hovermode="x unified"))
    edges = facts["edges"]
    rows = []
    for index, (split, found) in enumerate(facts["splits"].items()):
        shares = (np.array(found["counts"]) / max(found["rows"], 1)).round(5).tolist()
        figure.add_scatter(
            x=edges[:-1], y=shares, name=split, mode="lines", line={"dash": theme.DASHES[index], "shape": "hv"},
            hovertemplate="%{y:.1%}",
        )  # fmt: skip
        shown = [f"{value:.4g}" for value in found["quantiles"]] or ["–"] * len(_SHOWN)
        rows.append([split, found["rows"], percent(share(found["missing"], found["rows"])), *shown])
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    drawn = Plot(
        f"{name}-numbers", f"Numbers of {facts['column']}",
        f"Share of rows by {facts['column']}; {rows[0][2]} of {rows[0][0]} have none.",
        figure, Table(["split", "rows", "without", "5 %", "median", "95 %"], rows),
    )  # fmt: skip
    return [drawn]
