"""Counters and a histogram in the text format of Prometheus, version 0.0.4."""

from __future__ import annotations

import bisect
import collections
import itertools
import threading
from collections.abc import Sequence

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What the server counts. Safe to use from several threads."""

    def __init__(self, task: str, recipe: str, digest: str) -> None:
        """Starts at zero.

        Args:
            task: the bundle's task.
            recipe: the bundle's recipe.
            digest: SHA-256 of its model.
        """
        self._lock = threading.Lock()
        self._requests: collections.Counter[tuple[str, int]] = collections.Counter()
        self._labels: collections.Counter[str] = collections.Counter()
        self._buckets = [0] * (len(_BUCKETS) + 1)
        self._seconds = 0.0
        self._open = 0
        self._rejected = 0
        self._model = _tags(task=task, recipe=recipe, sha256=digest)

    def request(self, route: str, code: int, seconds: float) -> None:
        """Counts an answered request.

        Args:
            route: which kind of request it was; of a small fixed set, so that clients cannot make new series.
            code: status of the answer.
            seconds: from the end of the request's head to the end of the answer.
        """
        with self._lock:
            self._requests[route, code] += 1
            if route == "predict":
                self._buckets[bisect.bisect_left(_BUCKETS, seconds)] += 1
                self._seconds += seconds

    def predicted(self, labels: Sequence[str]) -> None:
        """Counts one answer.

        Args:
            labels: what it is counted under.
        """
        with self._lock:
            self._labels.update(labels)

    def connection(self, change: int) -> None:
        """Counts a connection that opens (1) or closes (-1)."""
        with self._lock:
            self._open += change

    def rejected(self) -> None:
        """Counts a connection that was turned away because there were too many."""
        with self._lock:
            self._rejected += 1

    def render(self) -> str:
        """All metrics as text."""
        with self._lock:
            totals = list(itertools.accumulate(self._buckets))
            bounds = [*map(str, _BUCKETS), "+Inf"]
            duration = "edgeline_predict_duration_seconds"
            lines = [
                *_head("edgeline_model_info", "gauge", "The bundle that is served."),
                f"edgeline_model_info{self._model} 1",
                *_head("edgeline_requests_total", "counter", "Answered requests."),
                *(
                    f"edgeline_requests_total{_tags(route=route, code=code)} {count}"
                    for (route, code), count in sorted(self._requests.items())
                ),
                *_head("edgeline_predictions_total", "counter", "Answers by label."),
                *(f"edgeline_predictions_total{_tags(label=label)} {n}" for label, n in sorted(self._labels.items())),
                *_head(duration, "histogram", "Time to answer a predict request."),
                *(f"{duration}_bucket{_tags(le=bound)} {n}" for bound, n in zip(bounds, totals, strict=True)),
                f"{duration}_sum {self._seconds:.6f}",
                f"{duration}_count {totals[-1]}",
                *_head("edgeline_connections", "gauge", "Open connections."),
                f"edgeline_connections {self._open}",
                *_head("edgeline_connections_rejected_total", "counter", "Connections turned away."),
                f"edgeline_connections_rejected_total {self._rejected}",
            ]
        return "\n".join(lines) + "\n"


def _head(name: str, kind: str, text: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def _tags(**tags: object) -> str:
    def escape(value: object) -> str:
        return str(value).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

    return "{" + ",".join(f'{name}="{escape(value)}"' for name, value in tags.items()) + "}"
