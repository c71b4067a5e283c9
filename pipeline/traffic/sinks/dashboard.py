"""A dashboard for Grafana, as the JSON document that it imports; the data source is asked for when it is."""

from __future__ import annotations

import json
from typing import Any

from pipeline.config.task import Config
from pipeline.traffic.sinks.metrics import PREFIX

_SOURCE = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
_WIDTH, _HEIGHT = 12, 8
# By title: expressions with what a line is called, the unit, and whether it is one number.
_PANELS: list[tuple[str, list[tuple[str, str]], str, bool]] = [
    ("Alerts that fire", [("sum({p}_alert_firing{t})", "")], "none", True),
    ("Seconds since the last look", [("time() - {p}_last_look_timestamp_seconds{t}", "")], "s", True),
    ("Rows in a window", [("{p}_window_rows{t}", "rows")], "short", False),
    ("Time of requests", [("{p}_window_milliseconds{t}", "{{{{quantile}}}}")], "ms", False),
    ("Share of each label", [
        ('{p}_window_label_share{{task="{task}", slice="all"}}', "{{{{label}}}}"),
        ("{p}_reference_label_share{t}", "{{{{label}}}} on eval"),
    ], "percentunit", False),
    ("Share of each label by slice", [
        ('{p}_window_label_share{{task="{task}", slice!="all"}}', "{{{{label}}}} {{{{slice}}}}"),
    ], "percentunit", False),
    ("Accuracy", [
        ("{p}_window_estimated_accuracy{t}", "estimated"),
        ('{p}_window_quality{{task="{task}", end="value"}}', "{{{{metric}}}}, labelled"),
        ("{p}_reference_quality{t}", "{{{{metric}}}} on eval"),
    ], "percentunit", False),
    ("Drift of the inputs, times the bound", [
        ("{p}_window_distance{t} / {p}_window_distance_bound{t}", "{{{{feature}}}}"),
    ], "none", False),
    ("Confidence and entropy", [
        ("{p}_window_confidence{t}", "mean score"), ("{p}_window_entropy_bits{t}", "mean entropy, bits"),
    ], "none", False),
    ("Errors", [("{p}_window_error_share{t}", "rows without an answer")], "percentunit", False),
]  # fmt: skip


def dashboard(config: Config) -> str:
    """The document.

    Args:
        config: of the task.
    """
    panels = [_panel(number, *panel, task=config.task) for number, panel in enumerate(_PANELS)]
    document = {
        "__inputs": [
            {"name": "DS_PROMETHEUS", "label": "Prometheus", "type": "datasource", "pluginId": "prometheus",
             "pluginName": "Prometheus"}
        ],
        "uid": f"edgeline-{config.task}"[:40],
        "title": f"Edgeline: {config.task}",
        "tags": ["edgeline"],
        "schemaVersion": 36,
        "refresh": "1m",
        "time": {"from": "now-7d", "to": "now"},
        "panels": panels,
    }  # fmt: skip
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _panel(number: int, title: str, lines: list[tuple[str, str]], unit: str, single: bool, task: str) -> dict[str, Any]:
    words = {"p": PREFIX, "task": task, "t": f'{{task="{task}"}}'}
    return {
        "id": number + 1,
        "title": title,
        "type": "stat" if single else "timeseries",
        "datasource": _SOURCE,
        "gridPos": {"x": number % 2 * _WIDTH, "y": number // 2 * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": _SOURCE, "expr": expression.format(**words),
             "legendFormat": legend.format(**words)}
            for place, (expression, legend) in enumerate(lines)
        ],
    }  # fmt: skip
