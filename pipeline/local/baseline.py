"""Tells before the training that the new model cannot be compared with the latest blessed one, or begin from it."""

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
        ConfigError: it cannot be compared, and `evaluator.other_labels` refuses that; or the training would begin from
            it, and it has other labels.
    """
    names, shared = list(config.target.names), config.evaluator.other_labels == "shared"
    with metadata.Metadata(connection) as handle:
        model = comparable.latest_blessed(handle.store)
        obstacle = comparable.obstacle(handle.store, model, names, shared=shared) if model else None
    if model is None:
        return ""
    theirs = model_labels.labels_of(model.uri)
    unlike = theirs is not None and theirs != names
    # With spans the weights are those of an earlier span's model, which may have these labels.
    if unlike and config.warm_starts and not config.data.has_spans:
        raise ConfigError(
            "trainer.warm_start: the training cannot begin from the latest blessed model: "
            f"{model_labels.other_labels(theirs or [], names)}. Set trainer.warm_start to false for this run: it then "
            "begins from the backbone's weights."
        )
    if obstacle is None:
        if not unlike:
            return ""
        both = some(shared_labels.shared(names, theirs or []))
        return f"The latest blessed model has other labels: it is compared on the rows of eval of those shared: {both}."
    if unlike and config.evaluator.other_labels == "refused":
        raise ConfigError(
            f"evaluator.other_labels: refused: the latest blessed model cannot be compared with: {obstacle}. Set it to "
            "`not_compared` or `shared`, or use another --root for the new task."
        )
    return (
        f"The latest blessed model cannot be compared with: {obstacle}. An older one that can is taken, if there is "
        "one; else the new model is judged by its own bounds alone."
    )
