"""What a node's settings hold: nothing that the node does not depend on, and a digest of its code."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from modules.entry_settings import ReadColumns

from pipeline.config.task import Config
from pipeline.graph import code_digest

# What decides the content of a model, and of its bundle; a new gate is not a new bundle.
MODEL_SECTIONS = ("labels", "data", "preprocessing", "backbone", "trainer", "tuner", "extensions")
BUNDLE_SECTIONS = (*MODEL_SECTIONS, "pruner", "converter")
MODEL_NODES = ("Trainer",)
BUNDLE_NODES = (*MODEL_NODES, "Pruner", "TFLiteConverter")


def common(config: Config, node: str) -> dict[str, Any]:
    """What every node is told: a digest of the code that it runs, and the extensions.

    Args:
        config: the task's configuration.
        node: its name, a row of `pipeline.nodes`.
    """
    return {"sources": code_digest.of(config, node), "extensions": config.extensions}


def columns(config: Config) -> dict[str, Any]:
    """What ExampleGen is told of the rows."""
    names = config.data.columns
    return {"text": names.text, "label": names.label, "slices": names.slices, "labels": config.labels}


def features(config: Config) -> dict[str, Any]:
    """What a node that makes or reads features is told: a `modules.entry_settings.TransformNodeSettings`."""
    return {
        "labels": config.labels,
        "data": ReadColumns(columns=config.data.columns),
        "preprocessing": config.preprocessing,
        "backbone": config.backbone,
        "vocabulary": vocabulary_digest(config),
    }


def vocabulary_digest(config: Config) -> str | None:
    """Digest of the files of one's own that the backbone reads, its vocabulary; None where there are none."""
    content = b"".join(Path(path).read_bytes() for path in config.backbone.files().values())
    return hashlib.sha256(content).hexdigest()[:16] if content else None
