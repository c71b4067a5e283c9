"""A bundle, by the code that devices run: one LiteRT interpreter for each worker thread."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from edgeline_edge import BundleError, Classifier, read_bundle
from edgeline_edge.classifier import CancelledError as EdgeCancelledError
from edgeline_serving.backends.base import Answer, Backend, CancelledError, Column, Row
from edgeline_serving.errors import VersionError
from edgeline_serving.settings import LongText

TEXT = "text"


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
        self.task = bundle.manifest.task
        self.labels = bundle.manifest.labels
        self.columns = (Column(TEXT),)
        self.manifest = bundle.manifest
        self._long_text = long_text
        self._max_windows = max_windows
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="litert")

    def submit(self, rows: Sequence[Row], stop: Callable[[], bool]) -> Future[list[Answer]]:
        """See `Backend.submit`."""
        return self._threads.submit(self._answers, rows, stop)

    def close(self) -> None:
        """See `Backend.close`."""
        self._threads.shutdown(wait=False)

    def _answers(self, rows: Sequence[Row], stop: Callable[[], bool]) -> list[Answer]:
        classifier = self._idle.get()
        try:
            return [self._answer(classifier, row[TEXT], stop) for row in rows]
        except EdgeCancelledError as error:
            raise CancelledError(str(error)) from error
        finally:
            self._idle.put(classifier)

    def _answer(self, classifier: Classifier, text: str, stop: Callable[[], bool]) -> Answer:
        try:
            [answer] = classifier.predict(
                [text], long_text=self._long_text, max_windows=self._max_windows, cancelled=stop
            )
        except ValueError as error:
            # An empty text: the library says so, and never what a text holds.
            return {"error": str(error).replace("texts[0]", "the text")}
        return {"label": answer.label, "score": answer.score, "scores": answer.scores}
