"""What is served, made up: a log as edgeline-serving writes it, and a reference."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import modules  # noqa: F401

import numpy as np

from pipeline.config import loader
from pipeline.config.task import Config
from pipeline.traffic.estimate import Calibration
from pipeline.traffic.monitor import Monitor
from pipeline.traffic.reference import Reference

LENGTH = 100  # seconds of a window
START = 1_700_000_000.0  # of the first one
ROOT = Path(__file__).resolve().parents[1]


class Clock:
    """A clock that is set."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def config(*overrides: str) -> Config:
    common = (f"monitor.window_seconds={LENGTH}", "monitor.grace_seconds=5", "monitor.min_windows=3",
              "monitor.baseline_windows=20")  # fmt: skip
    return loader.load(str(ROOT / "configs" / "sentiment.yaml"), overrides=(*common, *overrides))


def reference(**more: Any) -> Reference:
    rng = np.random.default_rng(3)
    scores = rng.uniform(0.5, 1.0, 4000)
    calibration = Calibration.fit(scores, rng.random(4000) < scores)
    shares = {"negative": 0.4, "positive": 0.6}
    values = {
        "task": "sentiment", "model": "server/7", "labels": ("negative", "positive"), "rows": 4000, "answered": shares,
        "accuracy": 0.75, "confidence": 0.75, "calibration": calibration,
        "scores": {"accuracy": {"value": 0.75, "low": 0.7, "high": 0.8}}, "titles": {"accuracy": "accuracy"},
    }  # fmt: skip
    return Reference(**{**values, **more})


def row(time: float, name: str, label: str = "positive", **more: Any) -> str:
    """A line of the log, without its end."""
    score = more.pop("score", 0.75)
    other = {"negative": "positive", "positive": "negative"}[label]
    values = {
        "text": f"a film {name}", "source": "web",
        "served.time": datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds"),
        "served.request_id": name, "served.model": "sentiment", "served.version": "7", "served.milliseconds": 5.0,
        "served.row": 0, "served.label": label, "served.score": score, f"served.scores.{label}": score,
        f"served.scores.{other}": 1 - score,
    }  # fmt: skip
    return json.dumps({**values, **more})


def window(number: int, rows: int = 60, negative: float = 0.4, **more: Any) -> list[str]:
    """The lines of a window, evenly spread, of which some are negative."""
    labels = ["negative" if place < round(negative * rows) else "positive" for place in range(rows)]
    begin = START + number * LENGTH
    return [
        row(begin + (place + 0.5) * LENGTH / rows, f"{number}-{place}", label, **more)
        for place, label in enumerate(labels)
    ]


def write(path: Path, lines: Iterable[str], *, end: str = "\n") -> None:
    """Adds lines to a log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write("".join(f"{line}\n" for line in lines).removesuffix("\n") + end)


def looked(folder: Path, log: Path, clock: Clock, *overrides: str, **more: Any) -> Monitor:
    """A monitor as a process begins it, after one look."""
    folder.mkdir(exist_ok=True)
    made = Monitor(config(*overrides), reference(**more), folder, str(log), clock=clock)
    made.look()
    return made


def told(made: Monitor) -> Mapping[str, Any]:
    """The alerts that fire, by rule and series."""
    return {f"{item.rule} {item.series}".rstrip(): item for item in made.status().firing}
