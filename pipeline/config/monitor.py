"""The `monitor` section: windows over what is served, alert rules, and where alerts go. Imports nothing heavy."""

from __future__ import annotations

from typing import Annotated, Literal

from modules.settings import PositiveShare, Section, Share

from pydantic import AfterValidator, Field

from pipeline.config.headers import WithHeaders
from pipeline.config.rows.source import SourceConfig, without_secret

Severity = Literal["critical", "warning", "info"]
Url = Annotated[str, AfterValidator(without_secret)]


class Rule(Section):
    """What all alert rules have."""

    enabled: bool = True
    """Whether it is judged; what it is about is measured in any case."""
    severity: Severity = "warning"
    """The label by which Alertmanager routes it."""
    hold_off: int = Field(1, ge=1)
    """Windows in a row that must be beyond the bound before the alert fires."""
    recovery: int = Field(2, ge=1)
    """Windows in a row that must be within the bound again before it is resolved."""


class SurgeRule(Rule):
    """A label's share rises, over all rows or within a slice, against the windows before."""

    severity: Severity = "critical"
    """The label by which Alertmanager routes it."""
    min_ratio: float = Field(1.5, ge=1.0)
    """A share below this multiple of its own baseline is no surge, however certain it is."""
    min_rows: int = Field(50, ge=1)
    """Rows of the slice, with fewer of which a window is not judged."""
    labels: list[str] = []
    """Labels whose surge counts, such as `negative`. Empty: all."""


class PriorRule(Rule):
    """A label's share among all rows is not that of the answers on `eval`."""

    hold_off: int = Field(2, ge=1)
    """Windows in a row that must be beyond the bound before the alert fires."""
    max_difference: PositiveShare = 0.2
    """Largest difference of the shares."""
    min_rows: int = Field(200, ge=1)
    """Rows, with fewer of which a window is not judged."""


class DriftRule(Rule):
    """An input is not what was trained on: ExampleValidator's distances, with the bounds of `validator`."""

    hold_off: int = Field(2, ge=1)
    """Windows in a row that must be beyond the bound before the alert fires."""


class AccuracyRule(Rule):
    """Rows whose label arrived say that the model is worse than it was on `eval`."""

    severity: Severity = "critical"
    """The label by which Alertmanager routes it."""
    max_drop: Share = 0.05
    """How much the accuracy may lie below that on `eval`; beyond it by chance alone is no alert."""
    min_rows: int = Field(100, ge=1)
    """Labelled rows that are needed; they are taken from the newest windows."""


class EstimateRule(Rule):
    """The accuracy that the scores promise is lower than on `eval`, before any label arrives."""

    max_drop: Share = 0.05
    """How much it may lie below the accuracy on `eval`."""
    min_rows: int = Field(200, ge=1)
    """Rows, with fewer of which a window is not judged."""


class SilenceRule(Rule):
    """Nothing is served, for more windows in a row than were empty twice in the baseline, as they are every night."""

    severity: Severity = "critical"
    """The label by which Alertmanager routes it."""
    recovery: int = Field(1, ge=1)
    """Windows in a row that must be within the bound again before it is resolved."""


class ErrorsRule(Rule):
    """Rows that could not be answered."""

    severity: Severity = "critical"
    """The label by which Alertmanager routes it."""
    max_share: Share = 0.02
    """Largest share; beyond it by chance alone is no alert."""
    min_rows: int = Field(50, ge=1)
    """Rows, with fewer of which a window is not judged."""


class LatencyRule(Rule):
    """Answers are late: the 95th percentile of a request's time."""

    max_ratio: float = Field(2.0, gt=1.0)
    """Largest multiple of the median of the windows before; beyond it by chance alone is no alert."""
    max_milliseconds: float | None = Field(None, gt=0.0)
    """Largest value, besides. Empty: none."""
    min_requests: int = Field(50, ge=1)
    """Requests, with fewer of which a window is not judged."""


class RulesConfig(Section):
    """The alert rules."""

    surge: SurgeRule = SurgeRule()
    """A label's share against the windows before, per slice."""
    prior: PriorRule = PriorRule()
    """A label's share against `eval`."""
    drift: DriftRule = DriftRule()
    """The inputs against what was trained on."""
    accuracy: AccuracyRule = AccuracyRule()
    """Quality, by labels that arrive later."""
    estimate: EstimateRule = EstimateRule()
    """Quality, by the scores alone."""
    silence: SilenceRule = SilenceRule()
    """No rows."""
    errors: ErrorsRule = ErrorsRule()
    """Rows without an answer."""
    latency: LatencyRule = LatencyRule()
    """Late answers."""


class LateLabelsConfig(Section):
    """Right answers that arrive after the request."""

    path: str | None = None
    """A file, or a pattern of files, with a row for each answer: CSV, JSON lines or any other form of `data.source`.
    With an SQL source, the file with the query. It is read again when it changes. Empty: none arrive."""
    source: SourceConfig = SourceConfig()
    """How it is read."""
    request_id: str = "request_id"
    """Column with the request's id, `served.request_id` of the log."""
    row: str = "row"
    """Column with the row's number in the request; where it is missing or empty, 0."""
    label: str = "label"
    """Column with the right answer."""
    keep_days: float = Field(30, gt=0)
    """How long answers are kept to wait for their labels. Texts are not."""


class AlertmanagerConfig(Section):
    """Prometheus' Alertmanager, told directly by its v2 API."""

    url: Url
    """Such as `http://localhost:9093`; `${NAME}` is replaced by an environment variable, `${file:PATH}` by a file."""
    timeout_seconds: float = Field(5, gt=0, le=600)
    """Longest time for an answer."""


class WebhookConfig(WithHeaders):
    """Any address that takes a JSON document by POST."""

    url: Url
    """The address; `${NAME}` is replaced by an environment variable, `${file:PATH}` by a file."""
    attempts: int = Field(3, ge=1, le=10)
    """Tries at once, with growing pauses; what could not be told is tried again with the next window."""
    timeout_seconds: float = Field(5, gt=0, le=600)
    """Longest time for an answer."""


class SinksConfig(Section):
    """Where alerts go, besides the log and `status.json`."""

    alertmanager: AlertmanagerConfig | None = None
    """Alertmanager. Empty: it is told by Prometheus and the rule file of `monitor rules`, or by nobody."""
    webhook: WebhookConfig | None = None
    """A webhook."""


class MonitorConfig(Section):
    """`local_runner.py monitor`: windows over the log of requests, `data.serving_logs`."""

    models: list[str] = []
    """Names under which the task is served. Empty: the task's name, and that with `-edge` behind it."""
    window_seconds: int = Field(3600, ge=1, le=31 * 86_400)
    """Length of a window."""
    grace_seconds: float = Field(30, ge=0)
    """How long after its end a window waits for rows that are written late."""
    baseline_windows: int = Field(168, ge=2, le=2000)
    """How many windows before it a window is compared with; those with a firing alert are left out."""
    min_windows: int = Field(8, ge=2)
    """With fewer windows before it, nothing is compared with them."""
    season_seconds: float | None = Field(86_400, gt=0)
    """Length of what repeats itself, a day: a label's share is compared with that at the same time, a 24th of it before
    and after, once the baseline has nine such windows. Empty: with all windows."""
    slices: list[str] = []
    """Further columns of the log to look at by value, beside `data.columns.slices`."""
    max_slices: int = Field(20, ge=1, le=1000)
    """Values of a slice column that are looked at, the most frequent ones."""
    false_alarms_a_month: float = Field(0.5, gt=0.0)
    """What every rule that tests for chance may come to, over all of its labels, slices and windows together."""
    rules: RulesConfig = RulesConfig()
    """Alert rules."""
    labels: LateLabelsConfig = LateLabelsConfig()
    """Labels that arrive later."""
    sinks: SinksConfig = SinksConfig()
    """Where alerts go."""

    def served_as(self, task: str) -> tuple[str, ...]:
        """The names under which a task is served.

        Args:
            task: its own name.
        """
        return tuple(self.models) or (task, f"{task}-edge")

    def level(self, tests: int) -> float:
        """The chance of a false alarm that one test may have, so that a rule keeps `false_alarms_a_month`.

        Args:
            tests: how many the rule makes in a window.
        """
        windows = 30 * 86_400 / self.window_seconds
        return min(0.05, self.false_alarms_a_month / (windows * max(1, tests)))
