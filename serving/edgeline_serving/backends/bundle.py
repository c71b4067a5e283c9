"""A bundle, by the code that devices run: one LiteRT interpreter for each worker thread."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from edgeline_edge import BundleError, Classifier, read_bundle
from edgeline_edge.classifier import CancelledError as EdgeCancelledError
from edgeline_edge.long_text import LongText
from edgeline_serving.backends.base import Answer, Backend, CancelledError, Column, Row
from edgeline_serving.backends.bursts import Bursts
from edgeline_serving.errors import VersionError

TEXT = "text"
MANY_LABELS = "many_labels"  # what a manifest calls the kind of target that answers with several


class BundleBackend(Backend):
    """A bundle in memory. LiteRT leaves Python's lock while it computes, so threads use as many cores."""

    platform = "edgeline_litert"

    def __init__(
        self, path: Path, *, threads: int = 1, long_text: LongText | None = None, max_windows: int = 256
    ) -> None:
        """Reads the bundle and makes its interpreters.

        Args:
            path: the file.
            threads: interpreters.
            long_text: as in `Classifier.predict`.
            max_windows: likewise.

        Raises:
            VersionError: it is not a bundle that can be run.
        """
        try:
            bundle = read_bundle(path)
            self._idle: queue.SimpleQueue[Classifier] = queue.SimpleQueue()
            for _ in range(threads):
                self._idle.put(Classifier(bundle))
        except (BundleError, OSError) as error:
            raise VersionError(str(error)) from error
        manifest = bundle.manifest
        self.task, self.labels = manifest.task, manifest.labels
        self.several = (manifest.target or {}).get("kind") == MANY_LABELS
        self.columns = tuple(map(_column, manifest.inputs or ())) or (Column(TEXT),)
        self.probes = tuple(
            (probe["record"], {"scores": dict(zip(self.labels, probe["scores"], strict=True))})
            for probe in manifest.probes or ()
            if self.labels  # of a number, only the model's own output is known, and no answer
        )
        self._text = self.columns[0].name
        self._takes_records = any(section["kind"] != TEXT for section in manifest.inputs or ())
        self._long_text = long_text
        self._max_windows = max_windows
        self._bursts = Bursts(self._answers, threads, "litert")

    def submit(self, rows: Sequence[Row], stop: Callable[[], bool]) -> Future[list[Answer]]:
        """See `Backend.submit`."""
        return self._bursts.submit(rows, stop)

    def close(self) -> None:
        """See `Backend.close`."""
        self._bursts.close()

    def _answers(self, rows: Sequence[Row], stop: Callable[[], bool]) -> list[Answer]:
        classifier = self._idle.get()
        try:
            return [self._answer(classifier, self._asked(row), stop) for row in rows]
        except EdgeCancelledError as error:
            raise CancelledError(str(error)) from error
        finally:
            self._idle.put(classifier)

    def _asked(self, row: Row) -> str | Row:
        """What `Classifier.predict` takes: a text, or where there is more to read a record without anything else."""
        if not self._takes_records:
            text: str = row[self._text]
            return text
        return {column.name: row[column.name] for column in self.columns if column.name in row}

    def _answer(self, classifier: Classifier, asked: str | Row, stop: Callable[[], bool]) -> Answer:
        try:
            [answer] = classifier.predict(
                [asked], long_text=self._long_text, max_windows=self._max_windows, cancelled=stop
            )
        except ValueError as error:
            # An empty text: the library says so, and never what a text holds.
            return {"error": str(error).replace("texts[0]", "the text")}
        told: Answer = answer.told()
        return told


def _column(section: Mapping[str, Any]) -> Column:
    """The column of an input, as the manifest describes it; what is beside the text may be missing in a row."""
    kind = section["kind"]
    return Column(
        section["column"],
        "FP32" if kind == "number" else "BYTES",
        optional=kind != TEXT or bool(section.get("optional")),
    )
