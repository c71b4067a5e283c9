"""What a node's settings hold: nothing that the node does not depend on, and a digest of its code."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from modules.inputs import kinds

from pipeline.config.task import Config
from pipeline.graph import code_digest

# What decides the content of a model, and of its bundle; a new gate is not a new bundle.
MODEL_SECTIONS = ("labels", "data", "preprocessing", "backbone", "inputs", "target", "trainer", "tuner")
BUNDLE_SECTIONS = (*MODEL_SECTIONS, "pruner", "converter")
MODEL_CODE = ("modules.trainer",)
BUNDLE_CODE = (*MODEL_CODE, "modules.student.compress", "modules.tflite.convert")


def columns(config: Config) -> dict[str, Any]:
    """What a node that reads rows must know of them."""
    text = kinds.with_backbone(config.inputs).column
    return {
        "text": text,
        "label": config.target.column,
        "slices": config.data.columns.slices,
        "labels": config.target.names,
        "others": {column.name: column.type for column in kinds.columns(config.inputs) if column.name != text},
    }


def parts(config: Config) -> dict[str, Any]:
    """The inputs and the target, for a node that makes features or a network."""
    return {
        "inputs": {name: part.model_dump(mode="json") for name, part in config.inputs.items()},
        "target": config.target.model_dump(mode="json"),
        "extensions": config.extensions,
    }


def parts_code(config: Config, *roles: str) -> tuple[str, ...]:
    """The modules that such a node runs for them: kinds are found by name, which no import statement shows.

    Args:
        config: the task's configuration.
        *roles: parts of the inputs that the node asks for, see `modules.inputs.base.Input.parts`.
    """
    return (*kinds.code(config.inputs.values(), *roles), *config.target.code())


def custom_config(config: Config, module: str | tuple[str, ...], *sections: str) -> dict[str, Any]:
    """The settings of a node that makes features or a network, with nothing in them that it does not depend on.

    Args:
        config: the task's configuration.
        module: what the node runs.
        *sections: of the configuration, besides the inputs and the target.

    Returns:
        JSON values, digests of the vocabulary and of the code among them.
    """
    settings = {**parts(config), **config.node_settings(*sections)}
    vocabulary = vocabulary_digest(config)
    if vocabulary:
        settings["vocabulary"] = vocabulary
    code = [module] if isinstance(module, str) else module
    return {**settings, "sources": code_digest.digest(*code, *parts_code(config))}


def vocabulary_digest(config: Config) -> str | None:
    """Digest of the vocabulary, where the configuration names a file of one's own."""
    vocabulary = kinds.with_backbone(config.inputs).backbone.get("vocabulary")
    return hashlib.sha256(Path(vocabulary).read_bytes()).hexdigest()[:16] if vocabulary else None
