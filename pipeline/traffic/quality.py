"""Quality by labels that arrive after the request: answers are kept without their texts until they do."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.content import Stamp
from modules.quality import scoring

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.config.task import Config
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources import format_of, late_labels
from pipeline.traffic.log import Row

FOLDER = "answers"
_KEY = "key"
_WIDE = "."  # between the name of an answer and the place of a number in it, as the log writes it


@dataclasses.dataclass(frozen=True)
class Labelled:
    """Rows of a window whose label arrived.

    Attributes:
        truth: right answers, as the target's `truth` gives them, `[rows]`.
        predicted: what was answered, in the same form.
    """

    truth: np.ndarray
    predicted: np.ndarray

    def __len__(self) -> int:
        """Rows."""
        return len(self.truth)

    @property
    def right(self) -> int:
        """Rows that were answered as they should have been, in all of their labels where they may have several."""
        same = self.truth == self.predicted
        return int(same.all(axis=1).sum() if same.ndim > 1 else same.sum())


class Answers:
    """Keeps answers by window, and joins them with labels."""

    def __init__(self, folder: Path, config: Config) -> None:
        """Args: `folder`, of the monitor; `config`, of the task."""
        self._folder, self._target, self._labels = folder / FOLDER, config.target, config.monitor.labels
        self._scoring = scoring.of(config.target)
        self._stamps: dict[str, Stamp] | None = None
        self._known: dict[str, str] = {}
        self._found: dict[int, Labelled] = {}
        self.problem = ""

    def keep(self, number: int, rows: Sequence[Row]) -> None:
        """Writes a window's answers down, whole; the same window again replaces them.

        Args:
            number: of the window.
            rows: with a request's id.
        """
        names = set(self._target.names)
        rows = [row for row in rows if not row.scores or row.label in names]
        if not rows:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        predicted = self._predicted(rows)
        table = pa.table({_KEY: [_key(row.request_id, row.number) for row in rows], "predicted": predicted.tolist()})
        path = self._folder / f"{number:010}.parquet"
        partial = path.with_name(f".{path.name}.partial")
        pq.write_table(table, partial, compression="zstd")
        os.replace(partial, path)
        self._found.pop(number, None)

    def forget(self, before: int) -> None:
        """Removes what waited for its labels long enough.

        Args:
            before: number of the first window that is kept.
        """
        for number, path in self._files():
            if number < before:
                path.unlink(missing_ok=True)

    def labelled(self) -> dict[int, Labelled]:
        """The rows whose label is known, by the number of their window, the oldest first.

        Windows are joined again when a file of labels has changed, else only those that are new. What keeps labels from
        being read is told by `problem`, and the rest counts.
        """
        paths = late_labels.files(self._labels)
        stamps = self._settled(paths)
        if stamps is None or stamps != self._stamps:
            self._found, self._known = {}, self._read(paths)
        self._stamps = stamps
        files = dict(self._files())
        self._found = {number: rows for number, rows in self._found.items() if number in files}
        keys = pa.array(list(self._known), pa.string())
        for number in sorted(files.keys() - self._found.keys()):
            table = pq.read_table(files[number])
            self._found[number] = self._joined(table.filter(pc.is_in(table[_KEY], value_set=keys)), self._known)
        return {number: self._found[number] for number in files if len(self._found[number])}

    def scores(self, rows: Labelled) -> dict[str, Any]:
        """`rows`, `right`, and each metric of the target with its interval.

        Args:
            rows: at least one.
        """
        measured = self._scoring.intervals(rows.truth, rows.predicted)
        return {"rows": len(rows), "right": rows.right, **{name: item.to_dict() for name, item in measured.items()}}

    def _files(self) -> list[tuple[int, Path]]:
        return sorted((int(path.stem), path) for path in self._folder.glob("*.parquet") if path.stem.isdigit())

    def _joined(self, table: pa.Table, labels: Mapping[str, str]) -> Labelled:
        truth, predicted = [], []
        for key, answer in zip(table[_KEY].to_pylist(), table["predicted"].to_pylist(), strict=True):
            try:
                truth.append(self._target.truth([self._cell(labels[key])])[0])
                predicted.append(answer)
            except ValueError as error:
                self.problem = self.problem or f"{self._labels.path}: a label is none of the task's: {error}"
        return Labelled(np.asarray(truth), np.asarray(predicted))

    def _cell(self, text: str) -> Any:
        [column] = self._target.columns()
        return text if column.is_text else column.value(text)

    def _settled(self, paths: Sequence[str]) -> dict[str, Stamp] | None:
        """What tells whether the files of labels changed; None where that cannot be told."""
        try:
            if any(format_of(path, self._labels.source) == "sql" for path in paths):
                return None  # the file holds a question
            found = {path: Stamp.of(path) for path in paths}
        except (OSError, DataError):
            return None
        return found if all(stamp.settled() for stamp in found.values()) else None

    def _read(self, paths: Sequence[str]) -> dict[str, str]:
        self.problem = ""
        if self._labels.path and not paths:
            self.problem = f"{self._labels.path}: no such file yet (monitor.labels.path)"
        found: dict[str, str] = {}
        for path in paths:
            try:
                for item in late_labels.read(path, self._labels):
                    if isinstance(item, str):
                        self.problem = self.problem or f"a label is not read: {item}"
                    else:
                        found[_key(*item[0])] = item[1]
            except (DataError, OSError) as error:
                self.problem = self.problem or f"labels are not read: {error}"
        return found

    def _predicted(self, rows: Sequence[Row]) -> np.ndarray:
        """What the target's scoring makes of the answers as the log has them: lists apart, as `name.place`."""
        names = list(self._target.names)
        if names and rows[0].scores:
            return np.asarray([names.index(row.label or "") for row in rows])
        served = {name: np.asarray([row.answer.get(name) for row in rows]) for name in rows[0].answer}
        wide: dict[str, list[str]] = {}
        for name in served:
            stem, _, place = name.rpartition(_WIDE)
            if stem and place.isdigit():
                wide.setdefault(stem, []).append(name)
        for stem, parts in wide.items():
            ordered = sorted(parts, key=lambda name: int(name.rpartition(_WIDE)[2]))
            served[stem] = np.stack([served[name].astype(float) for name in ordered], axis=1)
        return self._scoring.answered(served)["predicted"]


def _key(request_id: str, number: int) -> str:
    return f"{request_id}\n{number}"
