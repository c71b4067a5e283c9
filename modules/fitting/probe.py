"""Between building and learning: the head begins as a linear model on the vectors of the untouched encoder.

Of few rows it is often all that can be learned; where fine-tuning does not get beyond it on eval, it stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.fitting.values import BuiltModel
from modules.machine import devices, progress
from modules.network.model import head_input
from modules.targets.base import LOGITS

import numpy as np

_ROWS = 128  # of a batch, per replica


def put_into_head(built: BuiltModel) -> Mapping[str, Any]:
    """Fits the head on the vectors of the train split, and puts it into the network.

    Args:
        built: the network, whose encoder stays as it is.

    Returns:
        What was chosen, and what the network comes to with it on eval: `val_loss`, and what the target watches.
    """
    settings, target, model = built.settings, built.target, built.model
    progress.tell(f"fitting the head on the vectors of {built.stream.rows} rows", rows=built.stream.rows)
    reads = head_input(model)
    batches = built.stream.in_order(_ROWS)
    vectors = np.concatenate([reads(features, training=False).numpy() for features, _ in batches])
    weights, chosen = target.part("probe")(
        vectors,
        built.stream.labels,
        target.outputs(target.names),
        balanced=settings.class_weights == "balanced",
        seed=settings.seed,
    )
    with built.strategy.scope():
        model.get_layer(LOGITS).set_weights(weights)
    options = devices.data_options()
    found = model.evaluate(built.evaluation.with_options(options), return_dict=True, verbose=0)
    values = {f"val_{name}": float(value) for name, value in found.items()}
    shown = " ".join(f"{name} {value:.4g}" for name, value in values.items())
    progress.tell(f"the head alone: {shown}", **values)
    return {**chosen, **values}
