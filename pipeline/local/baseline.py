"""Tells before the training that the new model cannot be compared with the latest blessed one."""

from __future__ import annotations

from typing import Any

from modules.quality import shared_labels  # and settles Keras 2 before TFX imports TensorFlow

from tfx.orchestration import metadata

from pipeline.components import model_labels
from pipeline.components.lookups import comparable
from pipeline.config.loader import ConfigError
from pipeline.config.messages import some
from pipeline.config.task import Config


def look_ahead(config: Config, connection: Any) -> str:
    """Compares the labels of the configuration with those of the latest blessed model.

    Args:
        config: the resolved configuration.
        connection: the metadata store.

    Returns:
        What a person should know before hours of training; empty where there is nothing.

    Raises:
        ConfigError: it cannot be compared, and `evaluator.other_labels` refuses that.
    """
    names, shared = list(config.target.names), config.evaluator.other_labels == "shared"
    with metadata.Metadata(connection) as handle:
        model = comparable.latest_blessed(handle.store)
        obstacle = comparable.obstacle(handle.store, model, names, shared=shared) if model else None
    if model is None:
        return ""
    if obstacle is None:
        theirs = model_labels.labels_of(model.uri)
        if theirs is None or theirs == names:
            return ""
        both = some(shared_labels.shared(names, theirs))
        return f"The latest blessed model has other labels: it is compared on the rows of eval of those shared: {both}."
    if config.evaluator.other_labels == "refused" and model_labels.labels_of(model.uri) not in (None, names):
        raise ConfigError(
            f"evaluator.other_labels: refused: the latest blessed model cannot be compared with: {obstacle}. Set it to "
            "`not_compared` or `shared`, or use another --root for the new task."
        )
    return (
        f"The latest blessed model cannot be compared with: {obstacle}. An older one that can is taken, if there is "
        "one; else the new model is judged by its own bounds alone."
    )
