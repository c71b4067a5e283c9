"""What the report says of pictures: how bright those of each split are, and how a wrongly answered one looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.inputs.image.device import png
from modules.inputs.image.input import Image
from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent, share
from modules.tensors import Tensor

import numpy as np
import plotly.graph_objects as go

from edgeline_edge.picture import decoded, fitted

_BINS = 32
_LARGEST = 96  # side of a picture on the page, which holds all of them


def facts(part: Image, patterns: Mapping[str, str], *, limit: int) -> dict[str, Any]:
    """Rows by the mean of their pixels, by split: the role `facts`, see `modules.inputs.roles`.

    Returns:
        `size` (height, width, channels), and `splits`: by split `rows`, `missing`, `brightness` and `contrast` (means
        over the rows of the mean and of the deviation of the pixels), and `counts` of the rows by brightness, in 32
        equal bins from 0 to 255.
    """
    from modules.rows.batches import read_split

    pixels, *present = part.tensors()
    flag = present[0] if present else Tensor(part.tensor, "uint8", pixels.shape)
    splits = {}
    for split, pattern in patterns.items():
        means, deviations, missing = [], [], 0
        for columns, flags in read_split([pattern], [pixels], flag).unbatch().take(limit).batch(256):
            values = columns[pixels.name].numpy().astype(np.float32)
            there = flags.numpy()[:, 0] > 0 if present else np.ones(len(values), bool)
            missing += int((~there).sum())
            means += values[there].mean(axis=(1, 2, 3)).tolist()
            deviations += values[there].std(axis=(1, 2, 3)).tolist()
        splits[split] = {
            "rows": len(means) + missing,
            "missing": missing,
            "brightness": float(np.mean(means)) if means else 0.0,
            "contrast": float(np.mean(deviations)) if deviations else 0.0,
            "counts": np.histogram(means, _BINS, (0, 255))[0].tolist(),
        }
    return {"column": part.column, "size": [part.height, part.width, part.channels], "splits": splits}


def plots(name: str, facts: Mapping[str, Any]) -> list[Plot]:
    """Shares of the rows by brightness: the role `plots`, see `modules.inputs.roles`."""
    x = f"mean pixel of {facts['column']}, 0 to 255"
    figure = go.Figure(layout=theme.layout(height=240, x=x, y="share of rows", hovermode="x unified"))
    edges = np.linspace(0, 255, _BINS + 1)[:-1].round(1).tolist()
    rows = []
    for index, (split, found) in enumerate(facts["splits"].items()):
        shares = (np.array(found["counts"]) / max(found["rows"], 1)).round(5).tolist()
        figure.add_scatter(
            x=edges, y=shares, name=split, mode="lines", line={"dash": theme.DASHES[index], "shape": "hv"},
            hovertemplate="%{y:.1%}",
        )  # fmt: skip
        without = percent(share(found["missing"], found["rows"]))
        rows.append([split, found["rows"], without, f"{found['brightness']:.1f}", f"{found['contrast']:.1f}"])
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    height, width, channels = facts["size"]
    drawn = Plot(
        f"{name}-brightness", f"Brightness of {facts['column']}",
        f"Share of rows by the mean of a picture's pixels, resized to {width} × {height}, "
        f"{'in colours' if channels == 3 else 'grey'}; {rows[0][2]} of {rows[0][0]} have none.",
        figure, Table(["split", "rows", "without", "mean brightness", "mean contrast"], rows),
    )  # fmt: skip
    return [drawn]


def shown(part: Image, contents: Sequence[bytes]) -> list[str]:
    """Pictures as the model sees them, at most 96 pixels a side: the role `shown`, see `modules.inputs.roles`.

    Args:
        part: the input.
        contents: by row, the bytes of the file; empty where there is none.

    Returns:
        By row, a data URI of a PNG; empty where there is no picture.
    """
    scale = min(1.0, _LARGEST / max(part.height, part.width))
    height, width = (max(1, round(side * scale)) for side in (part.height, part.width))
    found = []
    for content in contents:
        if not content:
            found.append("")
            continue
        pixels = fitted(decoded(content), part.height, part.width, part.channels)
        small = fitted(pixels, height, width, part.channels)
        found.append(f"data:image/png;base64,{png(small)}")
    return found
