"""What a node's settings hold: nothing that the node does not depend on, and a digest of its code."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from modules.inputs import kinds
from modules.rows.settings import Columns
from modules.tensors import ColumnType

from pipeline.config.task import Config
from pipeline.graph import code_digest

# What decides the content of a model, and of its bundle; a new gate is not a new bundle.
MODEL_SECTIONS = (
    *("labels", "data", "preprocessing", "backbone", "inputs", "target", "trainer", "tuner", "extensions"),
)
BUNDLE_SECTIONS = (*MODEL_SECTIONS, "pruner", "converter")
MODEL_NODES = ("Trainer",)
BUNDLE_NODES = (*MODEL_NODES, "Pruner", "TFLiteConverter")


def common(config: Config, node: str) -> dict[str, Any]:
    """What every node is told: a digest of the code that it runs, and the extensions.

    Args:
        config: the task's configuration.
        node: its name, a row of `pipeline.nodes`.
    """
    return {"code": code_digest.of(config, node), "extensions": config.extensions}


def columns(config: Config) -> Columns:
    """The columns that decide what a row is: its text (none without a backbone), its label, its slices."""
    text = kinds.identity_column(config.inputs)
    return Columns(text=text, label=config.target.column, slices=config.data.columns.slices)


def others(config: Config) -> dict[str, ColumnType]:
    """Types of the columns that further inputs read, by name."""
    return kinds.table(config.inputs)


def features(config: Config, node: str) -> dict[str, Any]:
    """What a node that makes or reads features is told: a `modules.entry_settings.TransformNodeSettings`.

    Args:
        config: the task's configuration.
        node: its name.
    """
    return {
        "inputs": config.inputs,
        "target": config.target,
        "vocabulary": vocabulary_digest(config),
        **common(config, node),
    }


def vocabulary_digest(config: Config) -> str | None:
    """Digest of the files of one's own that the backbone reads, its vocabulary; None where there are none."""
    main = kinds.with_backbone(config.inputs)
    files = main.backbone.files() if main else {}
    content = b"".join(Path(path).read_bytes() for path in files.values())
    return hashlib.sha256(content).hexdigest()[:16] if content else None
