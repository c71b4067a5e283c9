"""Columns beside the text that a draft learns from: of which kind of input each is, by the cells that it holds."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modules.tensors import Column as RawColumn

from edgeline_edge.inputs.time import seconds
from edgeline_edge.inputs.vector import readings
from pipeline.profiling.columns import Column

CATEGORY, NUMBER, TIME, VECTOR = "category", "number", "time", "vector"
_MOST_VALUES = 10_000  # that a category tells apart
_WIDTHS = ((10, 4), (200, 8), (_MOST_VALUES, 16))  # values, and numbers that stand for one
_TRUE = 0.95  # share of the cells that must be what the column is taken for; the others are kept back


@dataclasses.dataclass(frozen=True)
class Beside:
    """A column that a draft learns from.

    Attributes:
        column: its name.
        kind: of the input.
        reason: in words.
        section: further settings of the input, as in a configuration.
        type: of the column, as in `modules.tensors.Column`.
    """

    column: str
    kind: str
    reason: str
    section: Mapping[str, Any]
    type: str


def of_column(column: Column, cells: Sequence[str]) -> Beside:
    """What a column is as an input.

    Args:
        column: as measured.
        cells: some of its cells.

    Raises:
        ValueError: it holds nothing, or pictures, or lists of different lengths; the text says what to do.
    """
    there = [cell.strip() for cell in cells if cell.strip()]
    if not there:
        raise ValueError(f"{column.name!r} is empty; leave it out")
    # Before numbers: seconds since 1970 are both, and a clock says more than how long ago it was.
    if _share(there, lambda cell: seconds(cell, local=False)) >= _TRUE:
        return Beside(column.name, TIME, "dates, or seconds since 1970", {}, "optional time")
    if column.kind == "number":
        return Beside(column.name, NUMBER, f"numbers, {column.distinct} different ones", {}, "optional number")
    if vector := _vector(column.name, there):
        return vector
    if there[0].startswith(("iVBORw0KGgo", "/9j/")):
        raise ValueError(
            f"{column.name!r} holds pictures in base64, which a draft does not take: docs/inputs.md says how"
        )
    width = next((width for values, width in _WIDTHS if column.distinct <= values), _WIDTHS[-1][1])
    section = {"most": min(_MOST_VALUES, max(2, column.distinct)), "width": width}
    return Beside(column.name, CATEGORY, f"{column.distinct} values", section, "optional text")


def column_of(item: Mapping[str, Any]) -> RawColumn:
    """The column of an input that a profile names.

    Args:
        item: a `Beside` as JSON.
    """
    return RawColumn(item["column"], item["type"])


def names(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """A name for each input: its column's, in small letters, digits and underscores; none twice, and none `text`.

    Args:
        items: of a profile.
    """
    found: list[str] = []
    for item in items:
        stem = re.sub(r"[^a-z0-9]+", "_", item["column"].lower()).strip("_")
        stem = stem if stem[:1].isalpha() else f"column_{stem}".rstrip("_")
        free = (name for count in itertools.count(1) if (name := stem if count == 1 else f"{stem}_{count}"))
        found.append(next(name for name in free if name not in (*found, "text")))
    return found


def lines(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of the section `inputs` for them.

    Args:
        items: of a profile.
    """
    made = []
    for name, item in zip(names(items), items, strict=True):
        column = json.dumps(item["column"], ensure_ascii=False)
        section = [f"kind: {item['kind']}", f"column: {column}"]
        section += [f"{key}: {value}" for key, value in item["section"].items()]
        made.append(f"  {name}: {{{', '.join(section)}}}  # {item['reason']}")
    return made


def _share(cells: Sequence[str], read: Callable[[str], object]) -> float:
    right = 0
    for cell in cells:
        try:
            read(cell)
        except (ValueError, TypeError):
            continue
        right += 1
    return right / len(cells)


def _vector(name: str, cells: Sequence[str]) -> Beside | None:
    """Lists of numbers; nested ones are a series, whose inner lists are a moment's channels."""
    shapes: Counter[tuple[int, int]] = Counter()
    for cell in cells:
        try:
            count = len(readings(cell))
        except (ValueError, TypeError):
            continue
        shapes[_shape(cell, count)] += 1
    if shapes.total() < _TRUE * len(cells):
        return None
    (steps, channels), most = shapes.most_common(1)[0]
    if steps * channels < 2:
        return None
    if most < _TRUE * len(cells):
        raise ValueError(
            f"{name!r} holds lists of {len(shapes)} lengths, the most frequent one in {most} of {len(cells)} cells; an "
            "input has one length: cut them to it"
        )
    section = {"channels": channels, **({"steps": steps} if steps > 1 else {})}
    shown = f"{steps} x {channels} numbers" if steps > 1 else f"{channels} numbers"
    return Beside(name, VECTOR, shown, section, f"optional readings {steps * channels}")


def _shape(cell: str, count: int) -> tuple[int, int]:
    if cell.startswith("[["):
        rows = json.loads(cell)
        if rows and count % len(rows) == 0:
            return len(rows), count // len(rows)
    return 1, count
