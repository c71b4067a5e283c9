"""Measures what `modules.network.layers` brings on a CPU: each part against Keras' own.

    python -m benchmarks.layers [--batch 32] [--tokens 32] [--rounds 15]

Both sides run forward and backward in turn in this process, on the same inputs, without dropout. It prints
milliseconds of a pass and the ratio.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.harness.alternation import alternate, seconds
from benchmarks.harness.spread import Spread, paired_ratio

SIDES = ("Keras", "Edgeline")
PASSES = 20  # of one turn
HIDDEN, HEADS, WIDTH = 384, 12, 1536  # MiniLM's


def pairs(batch: int, tokens: int) -> dict[str, tuple[dict[str, Callable[[Any], Any]], Any]]:
    """Keras' part and ours, and what goes into both."""
    from modules.network import layers
    from modules.tf_gaps.attention import SelfAttention

    import tensorflow as tf
    import tf_keras

    def attention(kind: type) -> Callable[[Any], Any]:
        layer = kind(HEADS, HIDDEN // HEADS)
        return lambda inputs: layer(inputs, inputs)

    hidden, inner = (tf.random.stateless_normal([batch, tokens, width], seed=[1, 2]) for width in (HIDDEN, WIDTH))
    parts = {
        "attention": ([attention(kind) for kind in (tf_keras.layers.MultiHeadAttention, SelfAttention)], hidden),
        # KerasNLP's BERT asks for this epsilon, which keeps Keras from its fused kernel.
        "layer normalization": (
            [kind(epsilon=1e-12) for kind in (tf_keras.layers.LayerNormalization, layers.LayerNormalization)],
            hidden,
        ),
        "GELU": ([tf.nn.gelu, layers.gelu], inner),
    }
    return {name: (dict(zip(SIDES, sides, strict=True)), inputs) for name, (sides, inputs) in parts.items()}


def passes(part: Callable[[Any], Any], inputs: Any) -> Callable[[], object]:
    """Forward and backward, some times over; compiled and warm."""
    import tensorflow as tf

    part(inputs)  # makes the variables

    @tf.function
    def once() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_mean(tf.square(part(inputs)))
        return tape.gradient(loss, [inputs, *tape.watched_variables()])

    once()
    return lambda: [once() for _ in range(PASSES)]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32, help="texts (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=32, help="of each text (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each side (default: %(default)s)")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from modules.machine import memory

    memory.keep_freed_memory()
    lines = ["| part | Keras, ms a pass | Edgeline | ratio |", "|---|---|---|---|"]
    for name, (sides, inputs) in pairs(options.batch, options.tokens).items():
        work = {side: seconds(passes(part, inputs)) for side, part in sides.items()}
        turns = alternate(work, options.rounds, what=f"{name}, ")
        times = [Spread.of([1000 * turn / PASSES for turn in turns[side]]).shown() for side in SIDES]
        lines.append(f"| {name} | {times[0]} | {times[1]} | {paired_ratio(*(turns[side] for side in SIDES)).shown()} |")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
