"""What a row is: its layout, its hash, and the error for data that cannot be used.

Imports neither Beam nor TensorFlow.
"""

from __future__ import annotations

import dataclasses
import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from modules.targets.cell import Cell
from modules.tensors import Column

from pipeline.config.names import SPLIT_KEY as SPLIT_KEY
from pipeline.config.names import TEXT_HASH as TEXT_HASH
from pipeline.config.rows.splits import SplitRule
from pipeline.redaction.redact import redact


class DataError(ValueError):
    """The input cannot be used; the message names file, line, column and remedy, and holds no secret."""

    def __init__(self, message: str) -> None:
        super().__init__(redact(message))


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a row must look like.

    Attributes:
        text: column of the text; empty where a row is all that its inputs read of it, the columns of `others`.
        label: column of the label.
        slices: columns to evaluate by.
        labels: the labels that the schema's domain allows; none where any value of its type may be right.
        others: columns of further inputs; the feature of a column that is among the above is a text.
        cell: what a cell of the label's column may hold besides.
        split: which column decides a row's split, where it is not its text.
    """

    text: str
    label: str
    slices: tuple[str, ...]
    labels: tuple[str, ...]
    others: tuple[Column, ...] = ()
    cell: Cell = dataclasses.field(default_factory=Cell)
    split: SplitRule = dataclasses.field(default_factory=SplitRule)

    @property
    def answer(self) -> Column:
        """The label's column."""
        return Column(self.label, self.cell.type)

    def is_right(self, label: str) -> bool:
        """Whether a value of the label's column can be the right answer."""
        return not self.problem(label)

    def problem(self, label: str) -> str:
        """What keeps a value of that column from being the right answer, in words; empty where nothing does."""
        if self.labels and not self.cell.separator:
            return "" if label in self.labels else "which is not among the labels"
        return self.cell.problem(label, self.labels)

    def canonical(self, label: str) -> str:
        """One way to write a right answer."""
        one = self.labels and not self.cell.separator
        return label if one else self.cell.canonical(label, self.labels)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are read, each once: of text, label, slices, further inputs, and split."""
        names = (self.text, self.label, *self.slices, *(column.name for column in self.others), self.split.column)
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features of an example: the columns but that of the split, and what is added."""
        names = dataclasses.replace(self, split=SplitRule()).columns
        return (*names, TEXT_HASH, SPLIT_KEY) if self.split.column else (*names, TEXT_HASH)

    def identity(self, values: Mapping[str, str]) -> str:
        """What stands for the text of a row without one: all that its inputs read, column by column.

        Args:
            values: of the row by column; of a picture what `pipeline.ingest.pictures.found` gave.
        """
        return "\n".join(f"{column.name}={self._compared(column, values[column.name])}" for column in self.others)

    def compared(self, others: Sequence[str]) -> tuple[str, ...]:
        """Values of `others` as they are compared between rows: of pictures their digests, wherever they lie.

        Args:
            others: of a row, in the layout's order.
        """
        return tuple(self._compared(column, value) for column, value in zip(self.others, others, strict=True))

    @staticmethod
    def _compared(column: Column, value: str) -> str:
        return value.partition(" ")[0] if column.is_image else value


class Row(NamedTuple):
    """One row that can be used.

    Attributes:
        text: the text, repaired, not empty; of a row without one its `Layout.identity`.
        label: one of the layout's labels, or a value of its type.
        slices: values of the slice columns, in the layout's order.
        file: the file that it is from.
        line: line of the file on which the row ends, or its number; from 1.
        others: values of the layout's other columns, in its order.
        split: what decides its split (`SplitRule.key`); empty where its text does.
    """

    text: str
    label: str
    slices: tuple[str, ...]
    file: str
    line: int
    others: tuple[str, ...] = ()
    split: str = ""


def text_hash(text: str) -> str:
    """SHA-256 of the normalised text. Rows with equal hashes are duplicates and always fall into the same split."""
    return hashlib.sha256(normalised(text).encode("utf-8", errors="surrogatepass")).hexdigest()


def normalised(text: str) -> str:
    """A text as duplicates are compared: NFKC, case-folded, white space collapsed."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def count_rows(rows: Iterable[Row], layout: Layout) -> dict[str, Counter[str]]:
    """Counts rows by label and by each slice column.

    Returns:
        A counter of values for the label column and for every slice column; a row counts for each of its labels.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in (layout.label, *layout.slices)}
    for row in rows:
        counts[layout.label].update(layout.cell.names_in(row.label))
        for name, value in zip(layout.slices, row.slices, strict=True):
            counts[name][value] += 1
    return counts
