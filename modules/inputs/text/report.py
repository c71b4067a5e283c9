"""What the report of a run says of a text: how long the rows are, in tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.inputs.base import BackboneInput
from modules.machine.progress import tell
from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent, share

import numpy as np
import plotly.graph_objects as go


def facts(part: BackboneInput, patterns: Mapping[str, str], *, limit: int) -> dict[str, Any]:
    """How many rows have how many tokens, by split: the role `facts`, see `modules.inputs.roles`.

    Returns:
        `lengths` with `window` (of all windows of a row together), `limit`, and `splits`: by split, rows by number of
        tokens from 0 to the window.
    """
    from modules.rows.batches import read_split
    from modules.tensors import Tensor

    window, mask = part.windows * part.sequence_length, str(part.mask)
    splits = {}
    for split, pattern in patterns.items():
        tell(f"counting the lengths of {split}")
        counts = np.zeros(window + 1, np.int64)
        tensor = Tensor(mask, "int32", (window,))
        for _, ones in read_split([pattern], [], tensor).unbatch().take(limit).batch(1024):
            counts += np.bincount(ones.numpy().sum(axis=1), minlength=window + 1)
        splits[split] = counts.tolist()
    return {"lengths": {"window": window, "limit": limit, "splits": splits}}


def plots(name: str, facts: Mapping[str, Any]) -> list[Plot]:
    """How many rows of each split have how many tokens: the role `plots`, see `modules.inputs.roles`."""
    del name  # a network has one text, so the plot needs no name of its own
    lengths = facts["lengths"]
    window = lengths["window"]
    figure = go.Figure(layout=theme.layout(height=260, x="tokens", y="share of rows", hovermode="x unified"))
    rows = []
    for index, (name, counts) in enumerate(lengths["splits"].items()):
        array = np.array(counts)
        total = array.sum()
        median, high = (int(np.searchsorted(array.cumsum(), quantile * total)) for quantile in (0.5, 0.95))
        full = share(array[window], total)
        rows.append([name, int(total), median, high, percent(full)])
        figure.add_scatter(
            x=list(range(window + 1)), y=(array / max(total, 1)).round(5).tolist(), name=name, mode="lines",
            line={"dash": theme.DASHES[index], "shape": "hvh"}, hovertemplate="%{y:.1%}",
        )  # fmt: skip
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    first = rows[0]
    drawn = Plot(
        "lengths", "Lengths in tokens",
        f"Share of rows by number of tokens; in {first[0]} the median is {first[2]}, and {first[4]} fill the window.",
        figure, Table(["split", "rows", "median", "95th percentile", f"fill the window of {window}"], rows),
    )  # fmt: skip
    return [drawn]
