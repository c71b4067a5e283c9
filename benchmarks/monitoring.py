"""How often the monitor alarms for nothing, and how often it finds what is there.

    python -m benchmarks.monitoring [--profile quick] [--days 100] [--rows 1000]

Traffic is made of the test split's rows with the served model's own answers, drawn again by the hour: the parts of the
slices swing over the day and wobble from hour to hour. The reference is that of the push: `eval` and StatisticsGen's
profile. The rules are those of the configuration, with windows of an hour, and judged by the code of the monitor.

    --answers FILE --test FILE --profiles FOLDER

names `predictions.parquet` of Evaluator and TestEvaluator, and a split of StatisticsGen, in place of the latest push.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modules.inputs import kinds
from modules.inputs.profiles import profile_file
from modules.quality import predictions

import numpy as np

from benchmarks.harness import command, machine
from benchmarks.harness.progress import say
from benchmarks.harness.results import Goal, Result, Table
from benchmarks.harness.spread import rounded
from benchmarks.ours.traffic import CALM, HOURS, Event, Traffic
from pipeline.config import loader
from pipeline.config.task import Config
from pipeline.history import lineage
from pipeline.history.paths import TaskPaths
from pipeline.history.store import RunOutputs, connection
from pipeline.traffic import alerts, inputs, rules
from pipeline.traffic.quality import Labelled
from pipeline.traffic.reference import Reference, ReferenceError, gathered, of_push
from pipeline.traffic.window import Closed

MONTH_DAYS = 30
_SURGE = 2.0
_MOST_BASE = 0.49  # a share above it cannot double
_DRIFT_ROWS = 250  # texts of a window, which are tokenized and whose language is told
DRIFT_HOURS = 6  # of a window where the inputs are measured
SMALLER = (0.2, 0.5)  # of the rows of a window, for the table of surges
EVENTS = {
    "every tenth right answer is another one": ("accuracy", Event(wrong=0.10)),
    "every fifth right answer is another one": ("accuracy", Event(wrong=0.20)),
    "texts are harder": ("estimate", Event(hard=1.0)),
    "nothing is served": ("silence", Event(silent=True)),
    "5 % of the rows fail": ("errors", Event(errors=0.05)),
    "requests take three times as long": ("latency", Event(slow=3.0)),
}
DRIFTS = {
    "5 % of the words mistyped": ("drift", Event(typos=0.05)),
    "half of the words mistyped": ("drift", Event(typos=0.5)),
}
EXPLANATION = """\
Windows of an hour, made of held-out rows with the served model's own answers; slices swing over the day by 30 % of
themselves and wobble by 5 %. Drift is measured in windows of six hours and 250 rows. False alarms: alerts that began to
fire while nothing happened, in all series of a rule together. Power: one event of a kind a day, each after windows in
which nothing happened, and whether its rule began to fire while it lasted, for as many windows as its hold-off.
Estimated accuracy: windows of held-out rows whose right answers the estimate does not see; `assumed` is the error of
saying that the accuracy is that on eval."""


@dataclasses.dataclass
class Simulated:
    """A monitor on made-up traffic: windows, rules and alerts are the monitor's own.

    Attributes:
        config: of the task.
        reference: of the push.
        traffic: what comes.
        rows: of a window, in the mean.
        drift: whether the inputs are measured, which takes most of the time.
        hours: of a window.
    """

    config: Config
    reference: Reference
    traffic: Traffic
    rows: int
    drift: bool = False
    hours: int = 1

    def __post_init__(self) -> None:
        self._history: list[Closed] = []
        self._alerts: dict[str, alerts.Alert] = {}
        self.number = 0

    def hour(self, event: Event = CALM) -> list[alerts.Change]:
        """One window.

        Args:
            event: what happens in it.
        """
        settings = self.config.monitor
        window, truth, predicted = self.traffic.window(
            self.number * self.hours, self.rows, event, sample=_DRIFT_ROWS
        )  # fmt: skip
        closed = window.close(settings.max_slices)
        closed = dataclasses.replace(closed, estimate=self.reference.estimate(window.scores))
        if self.drift:
            texts = inputs.readable(self.config, window.sample)
            closed = dataclasses.replace(closed, drift=inputs.distances(self.config, texts, self.reference.profiles))
        times = np.asarray(window.times)
        seen = rules.Evidence(
            closed, self._history, late=lambda most: int((times > most).sum()),
            labelled=(Labelled(truth, predicted).right, len(truth)),
        )  # fmt: skip
        judged = rules.judge(settings, self.reference, seen)
        closed = dataclasses.replace(closed, fired=[item.key for item in judged if item.breached])
        self._alerts, changes = alerts.follow(self._alerts, judged, settings.rules, closed.end)
        self._history = [*self._history, closed][-2 * settings.baseline_windows :]
        self.number += 1
        return changes


def measure(options: argparse.Namespace) -> Result:
    """Simulates the days, and estimates the accuracy of held-out rows."""
    config, reference, found, labels = _material(options)
    days = 2 if options.quick else options.days
    column = kinds.identity_column(config.inputs)

    def drifting(seed: int) -> Simulated:
        """Its bounds go by no window before, so there is nothing to learn."""
        traffic = Traffic(found, labels, column, config.task, seed=seed)
        return Simulated(config, reference, traffic, _DRIFT_ROWS, drift=True, hours=DRIFT_HOURS)

    def simulated(rows: int, *, seed: int) -> Simulated:
        traffic = Traffic(found, labels, column, config.task, seed=seed)
        made = Simulated(config, reference, traffic, rows)
        for _ in range(config.monitor.min_windows if options.quick else HOURS * 7):
            made.hour()  # a week to learn what is usual
        return made

    say(f"false alarms over {days} days")
    alarms = _false_alarms(simulated(options.rows, seed=1), days)
    alarms["drift"] = _false_alarms(drifting(seed=1), days)["drift"]
    surges = {}
    for rows in sorted({*(int(options.rows * part) for part in SMALLER), options.rows}):
        say(f"surges over {days} days, {rows} rows a window")
        surges[rows] = _surges(simulated(rows, seed=2), days)
    say(f"other events over {days} days")
    power = _found(simulated(options.rows, seed=3), EVENTS, days)
    say(f"drift over {days} days")
    for name, of in DRIFTS.items():
        power |= _found(drifting(seed=3), {name: of}, days)
    estimates = _estimates(reference, Traffic(found, labels, column, config.task, seed=4), options.rows, days)
    return _result(options, config, reference, days, alarms, surges, power, estimates)


def _material(options: argparse.Namespace) -> tuple[Config, Reference, predictions.Predictions, list[str]]:
    config = loader.load(options.config, profile=options.profile)
    if options.answers:
        of_eval, labels = predictions.parse(options.answers.read_bytes(), str(options.answers))
        names = [profile_file(name) for name in kinds.playing(config.inputs, "statistics")]
        kept = {name: (options.profiles / name).read_text("utf-8") for name in names}
        reference = dataclasses.replace(gathered(config, of_eval["eval"], labels), model="given", profiles=kept)
        return config, reference, predictions.parse(options.test.read_bytes(), str(options.test))[0]["test"], labels
    paths = TaskPaths.of(config, options.root)
    try:
        reference = of_push(config, paths, "server/latest")
    except ReferenceError as error:
        raise command.NotReadyError(str(error)) from None
    run_id = lineage.trace(paths, reference.model)["run"]["id"]
    folder = RunOutputs(connection(paths), run_id).uri("TestEvaluator", "evaluation")
    path = os.path.join(folder or "", "predictions.parquet")
    found, labels = predictions.parse(Path(path).read_bytes(), path)
    return config, reference, found["test"], labels


def _false_alarms(made: Simulated, days: int) -> Counter[str]:
    """By rule, how many alerts began to fire."""
    found: Counter[str] = Counter(dict.fromkeys(rules.RULES, 0))
    for _ in range(days * HOURS // made.hours):
        found.update(change.alert.rule for change in made.hour() if change.state == "firing")
    return found


def _surges(made: Simulated, days: int) -> dict[str, tuple[float, int, int]]:
    """By label and slice, its usual share, the days, and those on which its doubling was found in its one window."""
    traffic = made.traffic
    rng = np.random.default_rng(5)
    series = [
        (label, part)
        for part in ("", *traffic.parts)
        for label in sorted(set(traffic.predicted))
        if 0 < traffic.share(label, part) <= _MOST_BASE
    ]
    found: dict[str, list[int]] = {}
    for day in range(days):
        label, part = series[day % len(series)]
        hour = int(rng.integers(1, HOURS - made.config.monitor.rules.surge.recovery))
        for number in range(HOURS):
            event = Event(label=label, part=part, surge=_SURGE) if number == hour else CALM
            name = f"{label} {part}".rstrip()
            told = {(item.alert.rule, item.alert.series) for item in made.hour(event) if item.state == "firing"}
            if number == hour:
                found.setdefault(name, []).append(int(("surge", name) in told))
    shares = {f"{label} {part}".rstrip(): traffic.share(label, part) for label, part in series}
    return {name: (shares[name], len(hits), sum(hits)) for name, hits in found.items()}


def _found(made: Simulated, events: Mapping[str, tuple[str, Event]], days: int) -> dict[str, tuple[str, int, int]]:
    """By event, its rule, the days on which that began to fire while the event lasted, and all days.

    No event is part of what the next one is compared with: an outage that comes every day is no alert, but what is
    usual.
    """
    rules_of = made.config.monitor.rules
    hits: Counter[str] = Counter()
    windows = HOURS // made.hours
    part = windows // len(events)  # each has a part of the day, and begins at another hour of it every day
    for day in range(days):
        for hour in range(windows):
            for place, (name, (rule, event)) in enumerate(events.items()):
                lasts = getattr(rules_of, rule).hold_off
                if hour == place * part + day % max(1, part - lasts):
                    hits[name] += _fires(copy.copy(made), rule, event, lasts)
            made.hour()
    return {name: (rule, hits[name], days) for name, (rule, _) in events.items()}


def _fires(made: Simulated, rule: str, event: Event, lasts: int) -> bool:
    """Whether a rule begins to fire within so many windows of an event."""
    changes = [change for _ in range(lasts) for change in made.hour(event)]
    return any(change.alert.rule == rule and change.state == "firing" for change in changes)


def _estimates(reference: Reference, traffic: Traffic, rows: int, windows: int) -> list[list[Any]]:
    """Mean estimated and true accuracy, mean error of a window's estimate, and that of assuming eval's."""
    assert reference.calibration is not None
    assert reference.accuracy is not None
    mixes: dict[str, Callable[[int], Event]] = {
        "as on test": lambda number: CALM,
        "harder texts": lambda number: Event(hard=0.5),
        "much harder texts": lambda number: Event(hard=1.0),
        "easier texts": lambda number: Event(hard=-0.25),
    }
    table = []
    for name, event in mixes.items():
        said, true = [], []
        for number in range(windows):
            window, truth, predicted = traffic.window(number, rows, event(number), sample=1)
            said.append(reference.calibration.estimate(window.scores).value)
            true.append(float((truth == predicted).mean()))
        errors = np.abs(np.array(said) - true), np.abs(reference.accuracy - np.array(true))
        table.append([name, *(rounded(float(np.mean(values))) for values in (said, true, *errors))])
    return table


def _result(
    options: argparse.Namespace, config: Config, reference: Reference, days: int, alarms: Counter[str],
    surges: dict[int, dict[str, tuple[float, int, int]]], power: dict[str, tuple[str, int, int]],
    estimates: list[list[Any]],
) -> Result:  # fmt: skip
    months = days / MONTH_DAYS
    worst = max(alarms, key=lambda rule: alarms[rule])
    told = surges[options.rows]
    share = sum(hits for *_, hits in told.values()) / sum(count for _, count, _ in told.values())
    names = sorted({name for by_name in surges.values() for name in by_name})
    base = {name: values[0] for by_name in surges.values() for name, values in by_name.items()}
    return Result(
        name="monitoring",
        title="Monitoring",
        command=f"python -m benchmarks.monitoring --profile {options.profile}",
        explanation=EXPLANATION,
        machine=machine.describe(("tensorflow",)),
        settings={
            "days": days, "rows of a window": options.rows, "window, seconds": config.monitor.window_seconds,
            "false alarms a month that a rule may come to": config.monitor.false_alarms_a_month,
            "accuracy on eval": rounded(reference.accuracy or 0.0),
        },
        tables=[
            Table(("rule", f"false alarms in {days} days", "a month"),
                  [[rule, count, rounded(count / months)] for rule, count in alarms.items()], "False alarms"),
            Table(("label and slice", "usual share", *(f"{rows} rows a window" for rows in surges)),
                  [[name, rounded(base[name]), *(_of_days(by_name.get(name)) for by_name in surges.values())]
                   for name in names],
                  "Doubled shares that were found in their one window"),
            Table(("what happens", "rule", "found"),
                  [[name, rule, f"{hits} of {count}"] for name, (rule, hits, count) in power.items()], "Other events"),
            Table(("windows", "estimated accuracy", "true accuracy", "mean error", "assumed"), estimates,
                  "Accuracy before labels arrive"),
        ],
        goals=[
            Goal("false alarms a month of the worst rule", "at most 1", rounded(alarms[worst] / months),
                 alarms[worst] / months <= 1, f"that is {worst}"),
            Goal(f"share of doubled label shares found within one window of {options.rows} rows", "at least 0.95",
                 rounded(share), share >= 0.95),
        ],
    )  # fmt: skip


def _of_days(values: tuple[float, int, int] | None) -> str:
    return f"{values[2]} of {values[1]}" if values else ""


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = command.parser(__doc__)
    parser.add_argument("--days", type=int, default=100, help="simulated days of each table (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=1000, help="rows of a window, in the mean (default: %(default)s)")
    for name, text in (("answers", "Evaluator's predictions.parquet"), ("test", "TestEvaluator's predictions.parquet"),
                       ("profiles", "StatisticsGen's folder of the compared split")):  # fmt: skip
        parser.add_argument(f"--{name}", type=Path, help=text)
    options = parser.parse_args(arguments)
    if bool(options.answers) != bool(options.test and options.profiles):
        parser.error("--answers, --test and --profiles go together")
    return command.main(measure, options)


if __name__ == "__main__":
    sys.exit(main())
