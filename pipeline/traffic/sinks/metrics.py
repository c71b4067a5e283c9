"""What a monitor found, for Prometheus to scrape: gauges of the newest closed window, and the alerts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from pipeline.traffic.rules import RULES
from pipeline.traffic.status import Status
from pipeline.traffic.window import ALL, Closed

PREFIX = "edgeline_monitor"
# By name, what is told and by which labels.
GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "alert_firing": ("1 for an alert that fires; a rule without any has 0", ("task", "rule", "series", "severity")),
    "last_look_timestamp_seconds": ("When the log was looked at last", ("task",)),
    "last_window_timestamp_seconds": ("End of the newest closed window", ("task",)),
    "problems": ("What keeps the monitor from seeing something", ("task",)),
    "rows": ("Rows in all closed windows", ("task",)),
    "labelled_rows": ("Rows whose right answer is known", ("task",)),
    "window_rows": ("Rows in the newest window", ("task",)),
    "window_error_share": ("Share of the rows that could not be answered", ("task",)),
    "window_milliseconds": ("Time of the requests", ("task", "quantile")),
    "window_label_share": ("Share of a label, by slice; `all` for all rows", ("task", "label", "slice")),
    "reference_label_share": ("Share of a label among the answers on eval", ("task", "label")),
    "window_confidence": ("Mean score of the answered label", ("task",)),
    "window_entropy_bits": ("Mean entropy of the scores", ("task",)),
    "window_distance": ("Distance of an input from what was trained on", ("task", "feature")),
    "window_distance_bound": ("Its bound", ("task", "feature")),
    "window_estimated_accuracy": ("Accuracy that the scores promise", ("task",)),
    "window_quality": ("A metric of the newest window with labels", ("task", "metric", "end")),
    "reference_quality": ("The same on eval", ("task", "metric")),
}
_PERCENTILES = {"p50": "0.5", "p95": "0.95", "p99": "0.99"}


class Metrics:
    """The gauges, in a registry of their own."""

    def __init__(self) -> None:
        """Makes them; they say nothing before `show`."""
        self.registry = CollectorRegistry()
        self._gauges = {
            name: Gauge(f"{PREFIX}_{name}", text, labels, registry=self.registry)
            for name, (text, labels) in GAUGES.items()
        }

    def show(self, status: Status, windows: list[Closed], reference: Any, now: float) -> None:
        """Shows what was found; what is no longer there is no longer shown.

        Args:
            status: of the monitor.
            windows: closed ones, the oldest first.
            reference: a `pipeline.traffic.reference.Reference`.
            now: seconds since 1970.
        """
        values: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in GAUGES}
        task = (status.task,)
        values["last_look_timestamp_seconds"][task] = now
        values["problems"][task] = len(status.problems)
        values["rows"][task], values["labelled_rows"][task] = status.rows, status.labelled
        fires = {item.rule for item in status.firing}
        values["alert_firing"] = {(*task, rule, "", ""): 0.0 for rule in RULES if rule not in fires} | {
            (*task, item.rule, item.series, item.severity): 1.0 for item in status.firing
        }
        values["reference_label_share"] = {(*task, label): share for label, share in reference.answered.items()}
        values["reference_quality"] = {(*task, name): item["value"] for name, item in reference.scores.items()}
        if windows:
            self._window(values, task, windows[-1])
        labelled = next((window for window in reversed(windows) if window.quality), None)
        for end, name in ((end, name) for name in reference.scores for end in ("value", "low", "high")):
            if labelled:
                values["window_quality"][(*task, name, end)] = labelled.quality[name][end]
        for name, gauge in self._gauges.items():
            gauge.clear()
            for labels, value in values[name].items():
                gauge.labels(*labels).set(value)

    def _window(self, values: dict[str, dict[tuple[str, ...], float]], task: tuple[str], window: Closed) -> None:
        values["last_window_timestamp_seconds"][task] = window.end
        values["window_rows"][task] = window.rows
        values["window_error_share"][task] = window.errors / window.rows if window.rows else 0.0
        for name, value in window.milliseconds.items():
            values["window_milliseconds"][(*task, _PERCENTILES[name])] = value
        for part, counts in window.labels.items():
            for label in counts:
                values["window_label_share"][(*task, label, part or "all")] = window.share(label, part or ALL)
        for key, mean in (("window_confidence", window.confidence), ("window_entropy_bits", window.entropy)):
            if mean is not None:
                values[key][task] = mean
        for item in window.drift:
            values["window_distance"][(*task, item["feature"])] = item["distance"]
            if item["bound"] is not None:
                values["window_distance_bound"][(*task, item["feature"])] = item["bound"]
        if window.estimate:
            values["window_estimated_accuracy"][task] = window.estimate["value"]
