"""The alert rules: what a closed window says against the reference and the windows before it.

A rule gives one judgement for each of its series. Those that test for chance share `false_alarms_a_month` among all of
their series and windows (Bonferroni), so that more slices make no more false alarms.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from pipeline.config.monitor import MonitorConfig
from pipeline.traffic import chance
from pipeline.traffic.reference import Reference
from pipeline.traffic.window import ALL, Closed

_LATE_SHARE = 0.05  # of the requests, beyond the 95th percentile
_DAY_PARTS, _LEAST_NEAR = 24, 9  # how near is the same time of a day; three windows of each of three days


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What a rule says of a window.

    Attributes:
        rule: a field of `monitor.rules`.
        series: what of it; empty where a rule has one only.
        value: what was measured.
        bound: what it may be.
        breached: whether it is beyond; None where there is too little to judge.
        message: for a person.
    """

    rule: str
    series: str
    value: float
    bound: float
    breached: bool | None
    message: str = ""

    @property
    def key(self) -> str:
        """What the series is known by, over all rules."""
        return key_of(self.rule, self.series)


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What the rules go by.

    Attributes:
        window: the closed one.
        before: those before it, the oldest first.
        late: whether a request took longer than some milliseconds: how many did, of the window.
        labelled: right answers and all answers whose label arrived, of the newest windows.
    """

    window: Closed
    before: Sequence[Closed]
    late: Callable[[float], int] = lambda milliseconds: 0
    labelled: tuple[int, int] = (0, 0)


def key_of(rule: str, series: str) -> str:
    """What a series is known by, over all rules."""
    return f"{rule}|{series}"


def judge(config: MonitorConfig, reference: Reference, seen: Evidence) -> list[Judgement]:
    """Judges a window by all rules that are enabled.

    Args:
        config: the section.
        reference: what the model was like when it was pushed.
        seen: the window, and those before it.

    Returns:
        One judgement for each series.
    """
    found: list[Judgement] = []
    for name, rule in RULES.items():
        if getattr(config.rules, name).enabled:
            found += rule(config, reference, seen)
    return found


def baseline(windows: Sequence[Closed], key: str, most: int) -> list[Closed]:
    """The windows that a series is compared with: the newest ones in which it was not beyond its bound.

    Where it was for twice as long as a baseline is, that is what is usual now.

    Args:
        windows: all that are kept, the oldest first.
        key: of the series.
        most: `baseline_windows`.
    """
    calm = [window for window in windows[-2 * most :] if key not in window.fired]
    return calm[-most:] if calm else list(windows[-most:])


def _surge(config: MonitorConfig, reference: Reference, seen: Evidence) -> Iterator[Judgement]:
    rule, window = config.rules.surge, seen.window
    labels = rule.labels or reference.labels
    series = [(label, part) for part in window.labels for label in labels]
    level = config.level(len(series))
    for label, part in series:
        name = f"{label} {part}".rstrip()
        rows = sum(window.labels[part].values())
        count = window.labels[part].get(label, 0)
        kept = baseline(seen.before, key_of("surge", name), config.baseline_windows)
        near, groups = _of_this_hour(kept, window, config)
        pairs = _counts(near, label, part)
        if len(pairs) < config.min_windows or rows < rule.min_rows:
            yield Judgement("surge", name, count / rows if rows else 0.0, 1.0, None)
            continue
        usual = chance.Baseline.of(pairs, chance.Spread.of(_counts(group, label, part) for group in groups))
        share, bound = count / rows, rule.min_ratio * usual.share
        breached = False
        if share >= bound:  # else chance need not be asked
            bound = max(bound, usual.most(rows, level))
            breached = usual.chance_of(count, rows) < level
        yield Judgement(
            "surge", name, share, min(bound, 1.0), breached,
            f"{share:.1%} of {rows} rows{_of(part)} are {label!r}; {usual.share:.1%} were in {len(pairs)} windows "
            f"before, and up to {min(bound, 1.0):.1%} is no surge",
        )  # fmt: skip


def _prior(config: MonitorConfig, reference: Reference, seen: Evidence) -> Iterator[Judgement]:
    rule, counts = config.rules.prior, seen.window.labels.get(ALL, {})
    rows, level = sum(counts.values()), config.level(2 * len(reference.answered))
    for label, usual in reference.answered.items():
        count = counts.get(label, 0)
        share = count / rows if rows else 0.0
        if rows < rule.min_rows:
            yield Judgement("prior", label, abs(share - usual), rule.max_difference, None)
            continue
        high, low = min(1.0, usual + rule.max_difference), max(0.0, usual - rule.max_difference)
        breached = chance.above(count, rows, high) < level or chance.below(count, rows, low) < level
        yield Judgement(
            "prior", label, abs(share - usual), rule.max_difference, breached,
            f"{share:.1%} of {rows} rows are {label!r}; on eval {usual:.1%} of the answers were",
        )  # fmt: skip


def _drift(config: MonitorConfig, reference: Reference, seen: Evidence) -> Iterator[Judgement]:
    for item in seen.window.drift:
        judged = item["bound"] is not None
        yield Judgement(
            "drift", item["feature"], item["distance"], item["bound"] if judged else 1.0,
            item["breached"] if judged else None,
            f"{item['feature']!r} differs from what was trained on: {item['measure']} is {item['distance']:.4f}"
            + (f", at most {item['bound']:g} was asked for" if judged else ""),
        )  # fmt: skip


def _accuracy(config: MonitorConfig, reference: Reference, seen: Evidence) -> Iterator[Judgement]:
    if reference.accuracy is None:
        return
    rule, (right, rows) = config.rules.accuracy, seen.labelled
    least = max(0.0, reference.accuracy - rule.max_drop)
    enough = rows >= rule.min_rows
    yield Judgement(
        "accuracy", "", right / rows if rows else 0.0, least,
        chance.below(right, rows, least) < config.level(1) if enough else None,
        f"{right} of {rows} labelled rows are right; on eval {reference.accuracy:.1%} were",
    )  # fmt: skip


def _estimate(config: MonitorConfig, reference: Reference, seen: Evidence) -> Iterator[Judgement]:
    found = seen.window.estimate
    if reference.accuracy is None or not found:
        return
    rule = config.rules.estimate
    least = max(0.0, reference.accuracy - rule.max_drop)
    high = found["value"] + chance.deviations(config.level(1)) * found["error"]
    yield Judgement(
        "estimate", "", found["value"], least, high < least if found["rows"] >= rule.min_rows else None,
        f"the scores of {found['rows']:.0f} rows promise an accuracy of {found['value']:.1%}; on eval it was "
        f"{reference.accuracy:.1%}",
    )  # fmt: skip


def _silence(config: MonitorConfig, reference: Reference, seen: Evidence) -> Iterator[Judgement]:
    before = list(seen.before)
    while before and not before[-1].rows:  # the silence that is judged is no part of what is usual
        before.pop()
    run = 0 if seen.window.rows else len(seen.before) - len(before) + 1
    kept = before[-config.baseline_windows :]
    runs = sorted(len(list(group)) for empty, group in itertools.groupby(not old.rows for old in kept) if empty)
    usual = runs[-2] if len(runs) > 1 else 0  # what came twice: every night is usual, one outage is not
    yield Judgement(
        "silence", "", float(run), float(usual), run > usual if before else None,
        f"nothing was served for {run} windows; {usual} in a row were empty more than once before",
    )  # fmt: skip


def _errors(config: MonitorConfig, reference: Reference, seen: Evidence) -> Iterator[Judgement]:
    rule, window = config.rules.errors, seen.window
    breached = chance.above(window.errors, window.rows, rule.max_share) < config.level(1)
    yield Judgement(
        "errors", "", window.errors / window.rows if window.rows else 0.0, rule.max_share,
        breached if window.rows >= rule.min_rows else None,
        f"{window.errors} of {window.rows} rows could not be answered",
    )  # fmt: skip


def _latency(config: MonitorConfig, reference: Reference, seen: Evidence) -> Iterator[Judgement]:
    rule, found = config.rules.latency, seen.window.milliseconds
    kept = baseline(seen.before, key_of("latency", ""), config.baseline_windows)
    usual = [old.milliseconds["p95"] for old in kept if old.milliseconds]
    bounds = [rule.max_ratio * float(np.median(usual))] if len(usual) >= config.min_windows else []
    bounds += [] if rule.max_milliseconds is None else [rule.max_milliseconds]
    requests = seen.window.requests
    if not bounds or not found or requests < rule.min_requests:
        yield Judgement("latency", "", found.get("p95", 0.0), min(bounds, default=0.0), None)
        return
    bound = min(bounds)
    breached = chance.above(seen.late(bound), requests, _LATE_SHARE) < config.level(1)
    yield Judgement(
        "latency", "", found["p95"], bound, breached,
        f"5 % of {requests} requests took {found['p95']:.1f} ms or longer; up to {bound:.1f} ms was asked for",
    )  # fmt: skip


def _counts(windows: Sequence[Closed], label: str, part: str) -> list[tuple[int, int]]:
    """Rows with a label and all rows of a slice, of the windows that have any."""
    counts = (window.labels.get(part, {}) for window in windows)
    return [(of.get(label, 0), total) for of in counts if (total := sum(of.values()))]


def _of_this_hour(
    windows: Sequence[Closed], window: Closed, config: MonitorConfig
) -> tuple[Sequence[Closed], Sequence[Sequence[Closed]]]:
    """Those of the same time of day, where there are enough of them: what is usual at night is not at noon.

    Returns:
        These, which tell the mean; and all windows by times of the day, which tell how far apart they are at one time.
    """
    season = config.season_seconds
    if season is None:
        return windows, [windows]
    near = max(season / _DAY_PARTS, config.window_seconds)
    found = [
        old for old in windows if min(apart := (window.start - old.start) % season, season - apart) <= near
    ]  # fmt: skip
    if len(found) < max(config.min_windows, _LEAST_NEAR):
        return windows, [windows]
    parts: dict[int, list[Closed]] = {}
    for old in windows:
        parts.setdefault(int(old.start % season // near), []).append(old)
    return found, list(parts.values())


RULES = {
    "surge": _surge,
    "prior": _prior,
    "drift": _drift,
    "accuracy": _accuracy,
    "estimate": _estimate,
    "silence": _silence,
    "errors": _errors,
    "latency": _latency,
}


def _of(part: str) -> str:
    return f" of {part}" if part else ""
