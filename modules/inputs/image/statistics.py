"""How a column of pictures is summarised and compared, for drift and skew."""

from __future__ import annotations

import dataclasses
import hashlib
import heapq
import json
from collections.abc import Mapping, Sequence

from modules.inputs import raw_column
from modules.inputs.base import Input
from modules.inputs.distances import apart, lacking
from modules.inputs.profiles import Comparison, Distance

import numpy as np

from edgeline_edge.picture import decoded, header

BRIGHTNESS, CONTRAST, WIDTH, HEIGHT = "brightness", "contrast", "width", "height"
_MEASURED = (BRIGHTNESS, CONTRAST, WIDTH, HEIGHT)
_QUANTILES = 101


@dataclasses.dataclass(frozen=True)
class ImageProfile:
    """The pictures of a split.

    Attributes:
        rows: in all.
        missing: rows without a picture.
        sampled: pictures that were looked into.
        formats: pictures of these by format.
        quantiles: by what was measured (mean and deviation of the pixels, 0 to 255; width and height of the file), from
            the smallest to the largest, evenly spaced by pictures; none where there is no picture.
    """

    rows: int
    missing: int
    sampled: int
    formats: Mapping[str, int]
    quantiles: Mapping[str, Sequence[float]]

    def to_json(self) -> str:
        """As text."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)


def summarise(part: Input, file_patterns: Sequence[str], *, label: str | None, sample: int) -> ImageProfile:
    """Of the pictures with the lowest digests: the role `statistics`, see `modules.inputs.roles`.

    Args:
        part: the input.
        file_patterns: globs of raw examples.
        label: of no use here.
        sample: most pictures to decode.
    """
    del label
    [column] = part.columns()
    rows = missing = 0
    # The largest of the lowest digests on top. Equal pictures of several rows are told apart by their number.
    chosen: list[tuple[int, int, bytes]] = []
    for batch in raw_column.batches(file_patterns, column):
        for content in batch.tolist():
            rows += 1
            if not content:
                missing += 1
                continue
            item = (-int.from_bytes(hashlib.sha256(content).digest()[:8], "big"), rows, content)
            if len(chosen) < sample:
                heapq.heappush(chosen, item)
            else:
                heapq.heappushpop(chosen, item)
    formats: dict[str, int] = {}
    measured: dict[str, list[float]] = {name: [] for name in _MEASURED}
    for _, _, content in chosen:
        head, pixels = header(content), decoded(content)
        formats[head.format] = formats.get(head.format, 0) + 1
        values = (pixels.mean(), pixels.std(), head.width, head.height)
        for name, value in zip(_MEASURED, values, strict=True):
            measured[name].append(float(value))
    steps = np.linspace(0, 1, _QUANTILES)
    quantiles = {
        name: np.quantile(values, steps).round(3).tolist() if values else [] for name, values in measured.items()
    }
    return ImageProfile(rows, missing, len(chosen), dict(sorted(formats.items())), quantiles)


def compare(now: str, before: str) -> Comparison:
    """Compares two profiles as they were written: the role `distances`, see `modules.inputs.roles`."""
    ours, theirs = (ImageProfile(**json.loads(text)) for text in (now, before))
    found = [
        Distance(name, "kolmogorov_smirnov", apart(ours.quantiles[name], theirs.quantiles[name])) for name in _MEASURED
    ]
    found.append(lacking(ours, theirs))
    return Comparison(min(ours.rows, theirs.rows), found)
