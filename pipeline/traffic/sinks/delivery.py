"""Tells what changed to those who are configured; what cannot be told now waits in the state for the next look."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import requests
import tenacity

from pipeline.config.monitor import AlertmanagerConfig, SinksConfig, WebhookConfig
from pipeline.redaction.redact import redact
from pipeline.redaction.references import SecretError, fill, fill_url
from pipeline.traffic.alerts import Alert, Change
from pipeline.traffic.state import State
from pipeline.traffic.status import iso

_MOST_WAITING = 1000  # changes that a sink may lag behind
_REFUSED = range(400, 500)  # saying it again does not help, but where it is a limit or a timeout
_AGAIN = (408, 425, 429)
logger = logging.getLogger(__name__)


class SinkError(RuntimeError):
    """A sink cannot be told; the message holds no secret."""


class Sink(Protocol):
    """Somebody who is told."""

    name: str

    def tell(self, changes: Sequence[Mapping[str, Any]], firing: Sequence[Alert], *, valid: float) -> None:
        """Tells what changed, and what fires.

        Args:
            changes: as `message` gives them, the oldest first.
            firing: all alerts that fire.
            valid: for how many seconds that holds, unless it is told again.

        Raises:
            SinkError: it was not taken.
        """


def message(change: Change, task: str, model: str) -> dict[str, Any]:
    """A change as JSON values: what a webhook gets.

    Args:
        change: what happened.
        task: its name.
        model: the pushed version that is the reference.
    """
    alert = change.alert
    return {
        "format": 1, "id": f"{task}|{change.name}", "state": change.state, "task": task, "model": model,
        "rule": alert.rule, "series": alert.series, "severity": alert.severity, "time": iso(change.time),
        "since": iso(alert.since), "value": alert.value, "bound": alert.bound, "message": alert.message,
    }  # fmt: skip


def names(config: SinksConfig) -> list[str]:
    """The sinks that are configured."""
    return [name for name in type(config).model_fields if getattr(config, name) is not None]


def put(state: State, sinks: Iterable[str], changes: Sequence[dict[str, Any]]) -> None:
    """Puts changes into the outbox, in the state that knows of them.

    Args:
        state: of the monitor.
        sinks: their names.
        changes: as `message` gives them.
    """
    for name in sinks:
        waiting = [*state.outbox.get(name, []), *changes]
        if len(waiting) > _MOST_WAITING:
            logger.error("%s: %d changes of alerts were never told", name, len(waiting) - _MOST_WAITING)
        state.outbox[name] = waiting[-_MOST_WAITING:]


def deliver(state: State, sinks: Sequence[Sink], *, valid: float) -> list[str]:
    """Empties the outbox.

    Args:
        state: of the monitor; what was told leaves it.
        sinks: those that are configured.
        valid: as of `Sink.tell`.

    Returns:
        Why a sink could not be told, one line each.
    """
    problems = []
    firing = [alert for alert in state.alerts.values() if alert.firing]
    for sink in sinks:
        try:
            sink.tell(state.outbox.get(sink.name, []), firing, valid=valid)
        except SinkError as error:
            problems.append(f"{sink.name}: {redact(str(error))}")
        else:
            state.outbox.pop(sink.name, None)
    for name in set(state.outbox) - {sink.name for sink in sinks}:  # no longer configured
        del state.outbox[name]
    return problems


class Webhook:
    """POSTs a JSON document for each change."""

    name = "webhook"

    def __init__(self, config: WebhookConfig) -> None:
        """Args: `config`, the section."""
        self._config = config

    def tell(self, changes: Sequence[Mapping[str, Any]], firing: Sequence[Alert], *, valid: float) -> None:
        """See `Sink.tell`; what was taken is not said again where a later one is refused."""
        del firing, valid
        pending = changes if isinstance(changes, list) else list(changes)
        while pending:
            _post(
                self._config.url, pending[0], self._config.timeout_seconds, self._config.attempts, self._config.headers
            )
            pending.pop(0)


class Alertmanager:
    """Prometheus' Alertmanager, API v2."""

    name = "alertmanager"

    def __init__(self, config: AlertmanagerConfig, task: str) -> None:
        """Args: `config`, the section; `task`, its name."""
        self._config, self._task = config, task

    def tell(self, changes: Sequence[Mapping[str, Any]], firing: Sequence[Alert], *, valid: float) -> None:
        """See `Sink.tell`: Alertmanager forgets an alert that is not told again."""
        now = datetime.now(UTC).timestamp()
        alive = {(alert.rule, alert.series) for alert in firing}
        told = [
            _alert(self._task, alert.rule, alert.series, alert.severity, alert.message, alert.since, now + valid)
            for alert in firing
        ]
        over = {(item["rule"], item["series"]): item for item in changes if item["state"] == "resolved"}
        told += [
            _alert(self._task, item["rule"], item["series"], item["severity"], item["message"],
                   min(datetime.fromisoformat(item["since"]).timestamp(), now), now)
            for key, item in over.items() if key not in alive
        ]  # fmt: skip
        if told:
            _post(f"{self._config.url.rstrip('/')}/api/v2/alerts", told, self._config.timeout_seconds, 2, {})


def _alert(
    task: str, rule: str, series: str, severity: str, text: str, since: float, until: float
) -> dict[str, Any]:  # fmt: skip
    labels = {"alertname": f"Edgeline{rule.capitalize()}", "task": task, "rule": rule, "series": series}
    return {
        "labels": {**{name: value for name, value in labels.items() if value}, "severity": severity},
        "annotations": {"summary": text},
        "startsAt": iso(min(since, until), "milliseconds"),
        "endsAt": iso(until, "milliseconds"),
    }


class _TryAgainError(Exception):
    """What may be taken a little later."""


def _post(url: str, document: Any, timeout: float, attempts: int, headers: Mapping[str, str]) -> None:
    """POSTs JSON.

    Raises:
        SinkError: it was not taken.
    """

    def once() -> None:
        try:
            answer = requests.post(
                fill_url(url, quoted_path=True), json=document, timeout=timeout, allow_redirects=False,
                headers={name: fill(value) for name, value in headers.items()},
            )  # fmt: skip
        except requests.ConnectionError:
            raise _TryAgainError("there is no connection") from None
        except requests.Timeout:
            raise _TryAgainError(f"no answer within {timeout:g} s") from None
        if answer.status_code in _REFUSED and answer.status_code not in _AGAIN:
            raise SinkError(f"refused with {answer.status_code}: {answer.text[:200]}")
        if not answer.ok or answer.is_redirect:
            raise _TryAgainError(f"answered with {answer.status_code}")

    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(attempts), wait=tenacity.wait_random_exponential(0.2, max=5),
        retry=tenacity.retry_if_exception_type(_TryAgainError), reraise=True,
    )  # fmt: skip
    try:
        retrying(once)
    except _TryAgainError as error:
        raise SinkError(f"{error}, after {attempts} attempts") from None
    except (SecretError, requests.RequestException, ValueError) as error:
        raise SinkError(str(error)) from None


def sinks(config: SinksConfig, task: str) -> list[Sink]:
    """Those that are configured.

    Args:
        config: the section.
        task: its name.
    """
    found: list[Sink] = []
    if config.alertmanager:
        found.append(Alertmanager(config.alertmanager, task))
    if config.webhook:
        found.append(Webhook(config.webhook))
    return found
