"""A rule file for Prometheus, made from the configuration: the monitor's alerts, the monitor itself, and the server.

What the monitor judges it has judged already, with hold-off and recovery: Prometheus only passes it on. What it cannot
see, since the log has answers alone, comes from the server's own metrics.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from pipeline.config.task import Config
from pipeline.traffic.rules import RULES
from pipeline.traffic.sinks.metrics import PREFIX

_MEANINGS = {
    "surge": "The share of {{ $labels.series }} rose",
    "prior": "The share of {{ $labels.series }} is not that of eval",
    "drift": "{{ $labels.series }} is not what was trained on",
    "accuracy": "The model is worse than on eval",
    "estimate": "The scores promise less than on eval",
    "silence": "Nothing is served",
    "errors": "Rows cannot be answered",
    "latency": "Answers are late",
}
_SERVER = "edgeline_serving"


def rule_file(config: Config) -> str:
    """The content of the file, for `rule_files` of Prometheus.

    Args:
        config: of the task.
    """
    section = config.monitor
    alerts = [
        _alert(
            f"Edgeline{name.capitalize()}",
            f'{PREFIX}_alert_firing{{task="{config.task}", rule="{name}"}} == 1',
            "",
            severity="{{ $labels.severity }}",
            summary=f"{config.task}: {_MEANINGS[name]}",
        )
        for name in RULES
        if getattr(section.rules, name).enabled
    ]
    # A monitor closes a window at each length; twice that and its grace without one is a monitor that hangs.
    late = 2 * section.window_seconds + section.grace_seconds + 60
    gone = f'absent({PREFIX}_last_look_timestamp_seconds{{task="{config.task}"}})'
    behind = f'time() - {PREFIX}_last_look_timestamp_seconds{{task="{config.task}"}} > {late:g}'
    models = _quoted("|".join(map(re.escape, section.served_as(config.task))))
    failed = f'sum(rate({_SERVER}_requests_total{{model=~{models}, outcome=~"failed|late"}}[5m]))'
    asked = f"sum(rate({_SERVER}_requests_total{{model=~{models}}}[5m]))"
    errors = section.rules.errors
    own = [
        _alert("EdgelineMonitorDown", f"{gone} or {behind}", "5m", severity="critical",
               summary=f"{config.task}: nobody looks at what is served"),
        _alert("EdgelineServerErrors", f"{failed} / {asked} > {errors.max_share:g}", "5m", severity=errors.severity,
               summary=f"{config.task}: more than {errors.max_share:.1%} of the requests fail"),
        _alert("EdgelineServerLogDrops", f"sum(rate({_SERVER}_log_dropped_rows_total[15m])) > 0", "15m",
               severity="warning", summary="The server leaves rows out of its log: the monitor does not see them"),
    ]  # fmt: skip
    groups = [{"name": f"edgeline-{config.task}", "rules": alerts + own}]
    head = f"# Made by `local_runner.py monitor rules` from the configuration of {config.task}; not edited by hand.\n"
    return head + yaml.safe_dump({"groups": groups}, sort_keys=False, allow_unicode=True, width=1000)


def _quoted(text: str) -> str:
    """A string of PromQL, which is escaped as one of JSON is."""
    return json.dumps(text, ensure_ascii=False)


def _alert(name: str, expression: str, hold: str, *, severity: str, summary: str) -> dict[str, Any]:
    alert: dict[str, Any] = {"alert": name, "expr": expression}
    if hold:
        alert["for"] = hold
    return {**alert, "labels": {"severity": severity}, "annotations": {"summary": summary}}
