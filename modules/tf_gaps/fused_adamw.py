"""tf_keras 2.21: AdamW whose update of a variable is two passes over memory instead of a dozen.

Keras writes Adam as separate operations, each of which walks through the whole variable and its moments; of a small
model with a large embedding that is a third of a training step on a CPU. TensorFlow has the same formula as one kernel.

The moments and what is left out of the decay are private attributes of Keras' optimizer; and Keras must go on to leave
the decay to `_apply_weight_decay`, or a weight would decay twice.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.tf_gaps.guard import Gap

import tensorflow as tf
import tf_keras

_GAP = Gap("tf-keras", __name__)


@tf_keras.utils.register_keras_serializable("edgeline")
class FusedAdamW(tf_keras.optimizers.AdamW):
    """`tf_keras.optimizers.AdamW` with the kernel `ResourceApplyAdam`: the same results up to rounding.

    Source: the kernel's formula, https://www.tensorflow.org/api_docs/python/tf/raw_ops/ResourceApplyAdam, is that of
    Kingma & Ba 2015, https://arxiv.org/abs/1412.6980, as Keras has it; decay stays decoupled, as in AdamW.
    """

    _multiples: Mapping[str, float] = types.MappingProxyType({})

    def scale_rates(self, rates: Sequence[tuple[tf.Variable, float]]) -> None:
        """Lets variables learn at a multiple of the learning rate, their decay with them; before the first step.

        Args:
            rates: variables with their multiple; all others have 1.
        """
        # No dict: Keras would track its entries as a part of the checkpoint.
        self._multiples = types.MappingProxyType({self._var_key(variable): multiple for variable, multiple in rates})

    def build(self, var_list: Sequence[tf.Variable]) -> None:
        """Makes the moments.

        Args:
            var_list: the variables of the training.

        Raises:
            GapError: Keras keeps its moments elsewhere, or decays the weights by another way.
        """
        super().build(var_list)
        _GAP.require(self, "_index_dict", "_var_key", "_momentums", "_velocities", "_use_weight_decay")
        _GAP.require_use(tf_keras.optimizers.Optimizer, "apply_gradients", "_apply_weight_decay")

    def update_step(self, gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable) -> None:
        """Updates a variable and its moments.

        Args:
            gradient: of the variable. Slices become dense: Keras' Adam moves the rows without a gradient as well.
            variable: to update, a replica's own.

        Raises:
            NotImplementedError: the optimizer was made with `amsgrad`, which the kernel does not know.
        """
        if self.amsgrad:
            raise NotImplementedError("amsgrad is not supported; use tf_keras.optimizers.AdamW for it.")
        key = self._var_key(variable)
        rate = self.learning_rate * self._multiples.get(key, 1.0)
        if self.weight_decay is not None and self._use_weight_decay(variable):
            variable.assign(variable * tf.cast(1.0 - self.weight_decay * rate, variable.dtype))
        index = self._index_dict[key]
        step = tf.cast(self.iterations + 1, variable.dtype)
        beta_1, beta_2 = tf.cast(self.beta_1, variable.dtype), tf.cast(self.beta_2, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].handle,
            v=self._velocities[index].handle,
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=tf.cast(rate, variable.dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=tf.convert_to_tensor(gradient),
        )

    def _apply_weight_decay(self, variables: Sequence[tf.Variable]) -> None:
        """Nothing: Keras would take four passes for what `update_step` does in one, just as decoupled."""
