"""What a data set is, the table of those that there are, and the file of one. Imports nothing heavy."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

from modules.machine import packages
from modules.machine.files import write_whole
from modules.registry import Registry, UnknownKindError

from pydantic import AfterValidator

DEFAULT = "vader"
DATASETS: Registry[Dataset] = Registry(
    "data set",
    {
        "vader": "modules.datasets.vader:TWO_WAY",
        "vader-3": "modules.datasets.vader:THREE_WAY",
        "topics-8": "modules.datasets.topics:REUTERS_8",
        "topics-52": "modules.datasets.topics:REUTERS_52",
        "topics-20": "modules.datasets.topics:NEWSGROUPS_20",
        "films": "modules.datasets.films:RATINGS",
        "intents-en": "modules.datasets.intents:ENGLISH",
        "intents-de": "modules.datasets.intents:GERMAN",
        "intents-zh": "modules.datasets.intents:CHINESE",
        "fashion": "modules.datasets.fashion:FASHION",
        "driving": "modules.datasets.driving:DRIVING",
        "reviews-zh": "modules.datasets.reviews_zh:REVIEWS",
    },
)


@dataclasses.dataclass(frozen=True)
class Simulation:
    """How rows beyond those of a data set are made.

    Attributes:
        rows: makes the rows of a seed and so many units, always the same; raises `PackageError`.
        unit: what it counts, in the plural.
    """

    rows: Callable[[int, int], Iterable[Sequence[str]]]
    unit: str


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Rows that a package of the registry has, or makes.

    Attributes:
        version: of the rule that makes rows of what the package has; another rule gets another file.
        header: names of the columns.
        rows: fetches the package and gives all rows, in an order that does not change; raises `PackageError`.
        what: what the rows are and where they come from, for a person.
        simulation: makes more of them; None where there are no more.
    """

    version: str
    header: tuple[str, ...]
    rows: Callable[[], Iterable[Sequence[str]]]
    what: str
    simulation: Simulation | None = None


def _known(name: str) -> str:
    if name not in DATASETS:
        raise UnknownKindError(f"{name!r} is no data set; there are: {', '.join(DATASETS.kinds)}")
    return name


DatasetName = Annotated[str, AfterValidator(_known)]


def csv_file(name: str) -> Path:
    """Fetches a data set once.

    Args:
        name: of the table `DATASETS`.

    Returns:
        A CSV file with the columns of its `header`.

    Raises:
        PackageError: the package cannot be fetched.
        UnknownKindError: there is no data set of this name.
    """
    found = DATASETS[name]
    target = packages.cache_dir() / "datasets" / f"{name}-{found.version}" / "rows.csv"
    if not target.is_file():
        write_rows(target, found.header, found.rows())
    return target


def write_rows(target: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Writes a CSV file, whole or not at all.

    Args:
        target: the file; its folder is made.
        header: names of the columns.
        rows: cells of each row.

    Returns:
        How many rows.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, out.getvalue())
    return count
