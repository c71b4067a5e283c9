"""Gathers what a report says from the artifacts of a run: the content of `report.json`.

Each section is None where its artifacts are not there: a run that failed halfway has a report, too.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
from collections.abc import Mapping
from typing import Any

from modules.artifact_files import PARETO_FILE, VARIANTS_FILE
from modules.quality import advice, scoring
from modules.report.facts import data, learning, quality
from modules.report.facts.artifacts import Artifacts
from modules.report.files import read_json
from modules.report.settings import ReporterNodeSettings

FORMAT = 1
REPORT_DATA, REPORT_PAGE = "report.json", "report.html"
# What decides numbers: the field's libraries by distribution name.
_LIBRARIES = (
    "tensorflow", "tf-keras", "keras-nlp", "tensorflow-text", "tfx", "tensorflow-transform",
    "tensorflow-model-analysis", "tensorflow-model-optimization", "keras-tuner", "apache-beam", "ml-metadata",
    "ai-edge-litert", "ai-edge-quantizer", "scikit-learn", "numpy",
)  # fmt: skip


def gather(artifacts: Artifacts, settings: ReporterNodeSettings) -> dict[str, Any]:
    """Reads everything that needs no model: `errors` and `inputs` are left None.

    Args:
        artifacts: where things are.
        settings: what Reporter is told.

    Returns:
        JSON values, see docs/report.md.
    """
    config, judge = settings.config, scoring.of(settings.target)
    judged = quality.quality(artifacts, config.evaluator, judge)
    compression = _compression(artifacts)
    trained = learning.training(artifacts.training)
    return {
        "format": FORMAT,
        "task": settings.task,
        "labels": settings.target.names,
        "target": settings.target.kind,
        "metrics": dict(judge.titles),
        "graph": [[name, after] for name, after in settings.graph],
        "data": data.data(artifacts, settings),
        "tuning": learning.tuning(artifacts.tuner_results, config.tuner, settings.target),
        "training": trained,
        "quality": judged,
        "compression": compression,
        "try": _to_try(artifacts, settings, trained, judged, compression),
        "errors": None,
        "inputs": None,
        "pushed": {name: dict(found) if found else None for name, found in artifacts.pushed.items()},
        "provenance": provenance(config.model_dump(mode="json"), {**settings.digests, "data": artifacts.fingerprint}),
    }


def _to_try(artifacts: Artifacts, settings: ReporterNodeSettings, trained: Any, judged: Any, compression: Any) -> Any:
    """What may help, where it is needed: a list, empty where it is not."""
    linear = judged["splits"]["eval"]["against_linear"] if judged else None
    if not advice.wanted(linear, (compression or {}).get("student")):
        return []
    return advice.what_to_try(
        settings.config.model_dump(mode="json"),
        settings.inputs,
        settings.target,
        trained,
        lambda file: read_json(artifacts.statistics, "Split-train", file),
    )


def provenance(config: Mapping[str, Any], digests: Mapping[str, str]) -> dict[str, Any]:
    """Configuration, digests, and the versions of what made the numbers.

    Args:
        config: the resolved configuration; passwords in addresses are left out.
        digests: by what they are of; empty ones are left out.
    """
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        versions[name] = importlib.metadata.version(name)
    known = {name: digest for name, digest in digests.items() if digest}
    return {"config": _without_passwords(config), "digests": known, "versions": versions}


def dump(facts: Mapping[str, Any]) -> str:
    """The facts as the text of `report.json`."""
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def _without_passwords(value: Any) -> Any:
    """Takes `user:password@` out of every address."""
    if isinstance(value, Mapping):
        return {key: _without_passwords(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_passwords(item) for item in value]
    return re.sub(r"(?<=://)[^/@\s]+@", "…@", value) if isinstance(value, str) else value


def _compression(artifacts: Artifacts) -> dict[str, Any] | None:
    found = read_json(artifacts.edge_evaluation, PARETO_FILE)
    if found is None:
        return None
    index = read_json(artifacts.variants, VARIANTS_FILE) or {}
    return {**found, "sparsity_by_kernel": index.get("sparsity", {})}
