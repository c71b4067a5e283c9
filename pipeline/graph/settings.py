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
MODEL_CODE = ("modules.trainer",)
BUNDLE_CODE = (*MODEL_CODE, "modules.student.compress", "modules.tflite.convert")


def columns(config: Config) -> dict[str, Any]:
    """What a node that reads rows must know of them."""
    names = config.data.columns
    return {"text": names.text, "label": names.label, "slices": names.slices, "labels": config.labels}


def custom_config(config: Config, module: str | tuple[str, ...], *sections: str) -> dict[str, Any]:
    """A node's settings, with nothing in them that the node does not depend on, and a digest of its code."""
    settings = config.node_settings(*sections)
    if "data" in settings:
        settings["data"] = {"columns": settings["data"]["columns"]}
    vocabulary = vocabulary_digest(config)
    if "backbone" in settings and vocabulary:
        settings["vocabulary"] = vocabulary
    return {**settings, "sources": code_digest.digest(*([module] if isinstance(module, str) else module))}


def vocabulary_digest(config: Config) -> str | None:
    """Digest of the files of one's own that the backbone reads, its vocabulary; None where there are none."""
    content = b"".join(Path(path).read_bytes() for path in config.backbone.files().values())
    return hashlib.sha256(content).hexdigest()[:16] if content else None
