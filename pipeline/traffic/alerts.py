"""Alerts over time: what is pending, what fires, and when it is over."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pipeline.config.monitor import RulesConfig
from pipeline.traffic.rules import Judgement

_PATIENCE = 24  # windows with too little to judge, after which a firing alert says nothing any more


@dataclasses.dataclass(frozen=True)
class Alert:
    """A series of a rule.

    Attributes:
        rule: which.
        series: what of it.
        severity: of the rule.
        firing: whether it fires.
        bad: windows in a row that were beyond the bound.
        good: windows in a row that were within it.
        unjudged: windows in a row with too little to judge.
        since: end of the window with which it began to fire, seconds since 1970.
        value: newest one that was judged.
        bound: likewise.
        message: likewise.
    """

    rule: str
    series: str
    severity: str
    firing: bool = False
    bad: int = 0
    good: int = 0
    unjudged: int = 0
    since: float = 0.0
    value: float = 0.0
    bound: float = 0.0
    message: str = ""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads what `dataclasses.asdict` gave."""
        return cls(**values)


@dataclasses.dataclass(frozen=True)
class Change:
    """What is told: an alert began to fire, or is over.

    Attributes:
        state: which of both.
        alert: as it is then.
        time: end of the window that changed it, seconds since 1970.
    """

    state: Literal["firing", "resolved"]
    alert: Alert
    time: float

    @property
    def name(self) -> str:
        """The same for the same change, so that who is told twice can tell."""
        return f"{self.alert.rule}|{self.alert.series}|{self.state}|{self.time:.0f}"


def follow(
    known: Mapping[str, Alert], judged: Sequence[Judgement], rules: RulesConfig, end: float
) -> tuple[dict[str, Alert], list[Change]]:
    """Takes the judgements of one more window.

    Args:
        known: alerts by key, those in order that say nothing left out.
        judged: of the window.
        rules: with hold-off and recovery of each.
        end: of the window.

    Returns:
        The alerts by key, and what changed.
    """
    found: dict[str, Alert] = {}
    changes: list[Change] = []
    by_key = {item.key: item for item in judged}
    for key in sorted({*known, *by_key}):
        item = by_key.get(key)
        rule = (item or known[key]).rule
        section = getattr(rules, rule, None)
        if section is None or not section.enabled:  # switched off while it fired
            if known[key].firing:
                changes.append(Change("resolved", dataclasses.replace(known[key], firing=False), end))
            continue
        series = (item or known[key]).series
        before = known.get(key) or Alert(rule, series, section.severity)
        after = _after(before, item, section.hold_off, section.recovery, end)
        after = dataclasses.replace(after, severity=section.severity)
        if after.firing != before.firing:
            changes.append(Change("firing" if after.firing else "resolved", after, end))
        if after.firing or after.bad:
            found[key] = after
    return found, changes


def _after(alert: Alert, item: Judgement | None, hold_off: int, recovery: int, end: float) -> Alert:
    if item is None or item.breached is None:
        unjudged = alert.unjudged + 1
        if unjudged >= _PATIENCE:
            return dataclasses.replace(alert, firing=False, bad=0, good=0, unjudged=unjudged)
        return dataclasses.replace(alert, unjudged=unjudged)
    alert = dataclasses.replace(alert, value=item.value, bound=item.bound, message=item.message, unjudged=0)
    if item.breached:
        bad = alert.bad + 1
        fires = alert.firing or bad >= hold_off
        since = end if fires and not alert.firing else alert.since
        return dataclasses.replace(alert, firing=fires, bad=bad, good=0, since=since)
    good = alert.good + 1
    return dataclasses.replace(alert, firing=alert.firing and good < recovery, bad=0, good=good)
