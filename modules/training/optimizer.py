"""Schedule and optimizer: AdamW with warm-up, decay, a clipped gradient, and rates by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.tf_gaps.fused_adamw import FusedAdamW
from modules.training.settings import TrainerSettings

import tensorflow as tf
import tf_keras

_FINAL_RATE = 0.05  # of the peak; a schedule that ends at zero wastes its last steps


@tf_keras.utils.register_keras_serializable("edgeline")
class WarmupDecay(tf_keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up to the peak, then decay to 5 % of it.

    The linear one is what BERT was fine-tuned with: Devlin et al. 2019, https://arxiv.org/abs/1810.04805, appendix A;
    the cosine one is that of Loshchilov & Hutter 2017, https://arxiv.org/abs/1608.03983, without restarts.
    """

    def __init__(self, peak: float, total_steps: int, warmup_fraction: float, shape: str = "linear") -> None:
        """Sets the shape.

        Args:
            peak: highest learning rate.
            total_steps: steps of the whole training.
            warmup_fraction: share of them that climbs.
            shape: of the fall: `linear`, `cosine`, or `constant` for none.

        Raises:
            ValueError: there is no such shape.
        """
        super().__init__()
        if shape not in ("linear", "cosine", "constant"):
            raise ValueError(f"{shape!r} is no shape of a schedule; there are: linear, cosine, constant")
        self.peak, self.total_steps, self.warmup_fraction, self.shape = peak, total_steps, warmup_fraction, shape

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The learning rate of one step, float32 scalar."""
        step = tf.cast(step, tf.float32)
        warmup = max(1.0, self.total_steps * self.warmup_fraction)
        rest = max(1.0, self.total_steps - warmup)
        climb = (step + 1.0) / warmup
        done = tf.clip_by_value((step - warmup) / rest, 0.0, 1.0)
        if self.shape == "cosine":
            done = (1.0 - tf.cos(math.pi * done)) / 2.0
        elif self.shape == "constant":
            done = tf.zeros_like(done)
        return self.peak * tf.minimum(climb, 1.0 - (1.0 - _FINAL_RATE) * done)

    def get_config(self) -> dict[str, Any]:
        """Keras' serialisation."""
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "warmup_fraction": self.warmup_fraction,
            "shape": self.shape,
        }


def make_optimizer(
    settings: TrainerSettings, total_steps: int, rates: Sequence[tuple[tf.Variable, float]] = ()
) -> tf_keras.optimizers.Optimizer:
    """AdamW with warm-up, decay and a clipped gradient (Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101).

    Args:
        settings: the section `trainer`, with the tuner's values in place.
        total_steps: steps of the whole training.
        rates: variables that learn at a multiple of the learning rate, with that multiple.
    """
    optimizer = FusedAdamW(
        WarmupDecay(settings.learning_rate, total_steps, settings.warmup_fraction, settings.schedule),
        weight_decay=settings.weight_decay,
        global_clipnorm=settings.gradient_clip_norm,
        epsilon=1e-6,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    optimizer.scale_rates(rates)
    return optimizer
