"""What the report says of a category: how many rows of each split have none, or one that training does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.inputs.category.input import FIRST, MISSING, UNKNOWN, Category
from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent, share

import numpy as np
import plotly.graph_objects as go


def facts(part: Category, patterns: Mapping[str, str], *, limit: int) -> dict[str, Any]:
    """Rows by what they have, by split: the role `facts`, see `modules.inputs.roles`.

    Returns:
        `splits`: by split `rows`, `missing`, `unknown`, and `different`, the values that occur.
    """
    from modules.rows.batches import read_split

    [tensor] = part.tensors()
    splits = {}
    for split, pattern in patterns.items():
        rows = read_split([pattern], [], tensor).unbatch().take(limit).batch(1024)
        numbers = np.concatenate([np.zeros(0, np.int32), *(values.numpy() for _, values in rows)])
        splits[split] = {
            "rows": len(numbers),
            "missing": int((numbers == MISSING).sum()),
            "unknown": int((numbers == UNKNOWN).sum()),
            "different": len(np.unique(numbers[numbers >= FIRST])),
        }
    return {"column": part.column, "splits": splits}


def plots(name: str, facts: Mapping[str, Any]) -> list[Plot]:
    """Shares of rows without a known value: the role `plots`, see `modules.inputs.roles`."""
    figure = go.Figure(layout=theme.layout(height=220, y="share of rows"))
    rows = []
    for split, found in facts["splits"].items():
        shares = [share(found[what], found["rows"]) for what in ("missing", "unknown")]
        figure.add_bar(x=["none", "unknown"], y=[round(value, 5) for value in shares], name=split)
        rows.append([split, found["rows"], *map(percent, shares), found["different"]])
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    column = facts["column"]
    drawn = Plot(
        f"{name}-values", f"Values of {column}",
        f"Share of rows that have no {column}, or one that is too rare in the train split; {rows[0][2]} of "
        f"{rows[0][0]} have none.",
        figure, Table(["split", "rows", "none", "unknown", "different values"], rows),
    )  # fmt: skip
    return [drawn]
