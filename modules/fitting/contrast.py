"""Between building and learning: the encoder learns which rows belong together, before a head is fitted to it.

As SetFit does it (Tunstall et al. 2022, https://arxiv.org/abs/2209.11055), with all pairs of a batch at once.
"""

from __future__ import annotations

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.fitting.values import BuiltModel
from modules.machine import devices, progress
from modules.network.model import head_input
from modules.training import contrastive
from modules.training.optimizer import make_optimizer
from modules.training.settings import ContrastSettings

import numpy as np


def draw_together(built: BuiltModel, settings: ContrastSettings) -> bool:
    """Trains the encoder of the network; its head stays as it is.

    Args:
        built: the network.
        settings: `trainer.contrast`.

    Returns:
        Whether it was: rows of one label alone have nothing to be told from.
    """
    stream = built.stream
    if len(np.unique(stream.labels)) < 2:
        return False
    steps, replicas = settings.steps, built.replicas
    progress.tell(f"drawing rows of one label together: {steps} steps", steps=steps)
    rows = contrastive.plan(
        stream.labels, batch_size=settings.batch_size * replicas, steps=steps, seed=built.settings.seed
    )
    rate = built.settings.with_values(learning_rate=settings.learning_rate)
    with built.strategy.scope():
        encoder = head_input(built.model)
        encoder.compile(
            optimizer=make_optimizer(rate, steps), loss=contrastive.SupervisedContrast(settings.temperature)
        )
    encoder.fit(
        stream.chosen(rows).with_options(devices.data_options()),
        steps_per_epoch=steps,
        callbacks=[progress.training_callback()],
        verbose=0,
    )
    return True
