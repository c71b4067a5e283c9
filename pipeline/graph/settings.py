"""What a node's settings hold: nothing that the node does not depend on, and a digest of its code."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pipeline.config.task import Config
from pipeline.graph import code_digest

# What decides the content of a model, and of its bundle; a new gate is not a new bundle.
MODEL_SECTIONS = ("labels", "data", "preprocessing", "backbone", "trainer", "tuner")
BUNDLE_SECTIONS = (*MODEL_SECTIONS, "pruner", "converter")
MODEL_NODES = ("Trainer",)
BUNDLE_NODES = (*MODEL_NODES, "Pruner", "TFLiteConverter")


def columns(config: Config) -> dict[str, Any]:
    """What a node that reads rows must know of them."""
    names = config.data.columns
    return {"text": names.text, "label": names.label, "slices": names.slices, "labels": config.labels}


def custom_config(config: Config, node: str, *sections: str) -> dict[str, Any]:
    """A node's settings, with nothing in them that the node does not depend on, and a digest of its code."""
    settings = config.node_settings(*sections)
    if "data" in settings:
        settings["data"] = {"columns": settings["data"]["columns"]}
    vocabulary = vocabulary_digest(config)
    if "backbone" in settings and vocabulary:
        settings["vocabulary"] = vocabulary
    return {**settings, "sources": code_digest.of(config, node)}


def vocabulary_digest(config: Config) -> str | None:
    """Digest of the vocabulary, where the configuration names a file of one's own."""
    vocabulary = getattr(config.backbone, "vocabulary", None)
    return hashlib.sha256(Path(vocabulary).read_bytes()).hexdigest()[:16] if vocabulary else None
