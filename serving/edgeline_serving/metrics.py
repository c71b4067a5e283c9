"""What `/metrics` says beside KServe's own histograms."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.multiprocess import MultiProcessCollector

_SHARED = "PROMETHEUS_MULTIPROC_DIR"  # set where several workers count together, before this module is imported

REQUESTS = Counter(
    "edgeline_serving_requests", "Requests by model, version and outcome (answered, refused, late, failed)",
    ["model", "version", "outcome"],
)  # fmt: skip
REFUSED = Counter("edgeline_serving_refused", "Requests that no model saw, by reason", ["reason"])
PREDICTIONS = Counter(
    "edgeline_serving_predictions", "Rows by the label that was answered", ["model", "version", "label"]
)
EXPLAINED = Counter("edgeline_serving_explained_rows", "Rows that were explained", ["model", "version"])
SECONDS = Histogram(
    "edgeline_serving_answer_seconds", "From the parsed request to the answers, waiting included", ["model", "version"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)  # fmt: skip
VERSIONS = Gauge(
    "edgeline_serving_version_info", "Workers with a version that is live or on trial", ["model", "version", "role"],
    multiprocess_mode="livesum",
)  # fmt: skip
WORKERS = Gauge("edgeline_serving_workers", "Workers that answer", multiprocess_mode="livesum")
STARTS = Counter("edgeline_serving_worker_starts", "Workers that were started, those that came back included")
VERSIONS_REFUSED = Counter(
    "edgeline_serving_versions_refused", "Versions that were not served, or no longer", ["model"]
)
SHADOWED = Counter(
    "edgeline_serving_shadow_rows",
    "Rows that a shadow answered as well (same, other, failed), or did not (skipped)",
    ["model", "result"],
)
LOGGED = Counter("edgeline_serving_logged_rows", "Rows in the request log")
LOG_DROPPED = Counter("edgeline_serving_log_dropped_rows", "Rows that the request log left out", ["reason"])


@functools.lru_cache(maxsize=4096)
def of(metric: Any, *values: str) -> Any:
    """What `metric.labels` gives, looked up once: it takes a lock and checks names each time.

    Args:
        metric: a counter or a histogram, none that is removed from.
        values: of its labels.
    """
    return metric.labels(*values)


_shown: dict[str, set[tuple[str, str]]] = {}
_lock = threading.Lock()


def show_versions(model: str, live: str | None, trying: str | None) -> None:
    """Says which versions of a model are in memory, and no longer which were.

    Args:
        model: its name.
        live: the version that answers.
        trying: the version on trial.
    """
    now = {(version, role) for version, role in ((live, "live"), (trying, "trial")) if version}
    with _lock:
        for version, role in _shown.get(model, set()) - now:
            if _SHARED in os.environ:
                VERSIONS.labels(model, version, role).set(
                    0
                )  # which `_Workers` leaves out; files cannot be removed from
            else:
                VERSIONS.remove(model, version, role)
        for version, role in now:
            VERSIONS.labels(model, version, role).set(1)
        _shown[model] = now


def registry() -> CollectorRegistry:
    """What `/metrics` reads: this process's metrics, or those of all workers together."""
    if _SHARED not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    together.register(_Workers(None))
    return together


class _Workers(MultiProcessCollector):
    """All workers' metrics, without versions that none of them has any more."""

    def collect(self) -> Iterator[Metric]:
        for metric in super().collect():
            if metric.name == "edgeline_serving_version_info":
                metric.samples = [sample for sample in metric.samples if sample.value]
            yield metric
