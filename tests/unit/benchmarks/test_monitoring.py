"""The benchmark of the monitor: what it makes happen is there to be found."""

from __future__ import annotations

import modules  # noqa: F401
from modules.quality.predictions import Predictions

import numpy as np

from benchmarks import monitoring
from benchmarks.ours.traffic import Event, Traffic
from tests import served


def test_an_outage_every_day_is_judged_each_time_on_windows_without_one() -> None:
    rows = 40
    ids = np.arange(rows) % 2
    scores = np.where(np.arange(2) == ids[:, np.newaxis], 0.75, 0.25)
    names = [f"row {number}" for number in range(rows)]
    found = Predictions(names, names, ids, ids, {"probabilities": scores}, {})
    traffic = Traffic(found, ["negative", "positive"], "text", "sentiment", seed=1)
    made = monitoring.Simulated(served.config("monitor.baseline_windows=100"), served.reference(), traffic, rows)
    for _ in range(20):
        made.hour()
    days = 4
    events = {"nothing is served": ("silence", Event(silent=True))}
    assert monitoring._found(made, events, days) == {"nothing is served": ("silence", days, days)}
    assert made.number == 20 + days * 24, "events are no part of the history"
    calm = {"nothing happens": ("silence", Event())}
    assert monitoring._found(made, calm, days) == {"nothing happens": ("silence", 0, days)}
