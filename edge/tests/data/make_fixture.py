"""Regenerates `*.tflite` and `vocab.txt` beside it: models with signatures of bundles, small enough to commit.

`tiny` takes a text and gives probabilities, `number` gives a number; `table` also takes a number and a category of
three values, and has a shorter window. `camera` takes no text, but a picture that may be missing, readings and a time.

Its weights are random (seeded): it decides nothing, but differently for different texts. Run in the pipeline's
environment: `python edge/tests/data/make_fixture.py`, for some of them with their names.
"""

from __future__ import annotations

import os
import string
import sys
import tempfile
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent
SEQUENCE_LENGTH = 32
SHORT = 16
VALUES = 3
LABELS = ("negative", "neutral", "positive")
WIDTH = 24
# The special tokens stand neither first nor in BERT's order: nothing may assume their ids.
WORDS = (  # noqa: SIM905 (a list would take a line for each)
    "the a an and or not no is was are be this that it of to in for with on at by from as have has had good bad "
    "great awful terrible lovely film movie story book phone battery screen price service food very really "
    "quite never always love hate like best worst better worse nice poor boring funny sad happy angry slow fast "
    "cheap broken works work bought return money time day night people man woman child actor director plot end "
    "beginning music sound picture news report government city country world market bank war peace election "
    "vote law court health school home water fire"
).split()
SUFFIXES = "##s ##ed ##ing ##er ##est ##ly ##ness ##ful ##less ##able ##ion ##ment ##al ##ish".split()  # noqa: SIM905
OTHER = "äöüßéèñçøåαβγδεσωабвгдежзикл中国人日本語你好한글한글😀👍❤…–—“”’€£°½٣ابتهو"


def vocabulary() -> list[str]:
    """The tokens of the fixture in the order of their ids."""
    letters = [*string.ascii_lowercase, *string.digits]
    exotic = sorted(set(OTHER))
    pieces = [*WORDS, *string.punctuation, *letters, *(f"##{c}" for c in letters), *SUFFIXES, *exotic]
    tokens = ["[unused]", "[CLS]", "[SEP]", *pieces[:40], "[UNK]", *pieces[40:], "[PAD]", *(f"##{c}" for c in exotic)]
    return list(dict.fromkeys(tokens))


class Tiny(tf.Module):
    """Bag of word vectors with a position weight, two dense layers, softmax."""

    def __init__(self, size: int) -> None:
        """Draws the weights.

        Args:
            size: tokens in the vocabulary.
        """
        super().__init__()
        random = np.random.default_rng(4)

        def draw(*shape: int, scale: float) -> tf.Variable:
            return tf.Variable(random.normal(0.0, scale, shape).astype(np.float32))

        self.vectors = draw(size, WIDTH, scale=1.0)
        self.positions = tf.Variable(np.linspace(1.0, 0.5, SEQUENCE_LENGTH, dtype=np.float32)[None, :, None])
        self.hidden = draw(WIDTH, 32, scale=WIDTH**-0.5)
        self.output = draw(32, len(LABELS), scale=0.5)
        self.bias = tf.Variable(np.zeros(len(LABELS), np.float32))
        # Shift the output so that texts of a few random words get each label about as often.
        lengths = random.integers(4, 16, 300)[:, None]
        ids = random.integers(0, size, (300, SEQUENCE_LENGTH)).astype(np.int32)
        mask = (np.arange(SEQUENCE_LENGTH) < lengths).astype(np.int32)
        self.bias.assign(-tf.reduce_mean(self.logits(ids, mask), axis=0))

    def logits(self, token_ids: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        """Maps int32 `[batch, SEQUENCE_LENGTH]` ids and mask to float32 `[batch, labels]`."""
        mask = tf.cast(padding_mask, tf.float32)[:, :, tf.newaxis]
        vectors = tf.gather(self.vectors, token_ids) * self.positions * mask
        pooled = tf.reduce_sum(vectors, axis=1) * tf.math.rsqrt(tf.reduce_sum(mask, axis=1))
        return tf.tanh(pooled @ self.hidden) @ self.output + self.bias

    @tf.function(
        input_signature=[
            tf.TensorSpec([1, SEQUENCE_LENGTH], tf.int32, "token_ids"),
            tf.TensorSpec([1, SEQUENCE_LENGTH], tf.int32, "padding_mask"),
        ]
    )
    def serving_default(self, token_ids: tf.Tensor, padding_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """Maps int32 `[1, SEQUENCE_LENGTH]` ids and mask to float32 `[1, labels]` probabilities."""
        return {"probabilities": tf.nn.softmax(self.logits(token_ids, padding_mask))}


class Number(tf.Module):
    """The same text, and one number in the place of probabilities."""

    def __init__(self, size: int) -> None:
        """Draws the weights.

        Args:
            size: tokens in the vocabulary.
        """
        super().__init__()
        self.text = Tiny(size)

    @tf.function(
        input_signature=[
            tf.TensorSpec([1, SEQUENCE_LENGTH], tf.int32, "token_ids"),
            tf.TensorSpec([1, SEQUENCE_LENGTH], tf.int32, "padding_mask"),
        ]
    )
    def serving_default(self, token_ids: tf.Tensor, padding_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """Maps int32 `[1, SEQUENCE_LENGTH]` ids and mask to float32 `[1, 1]`."""
        return {"number": 3.0 + 2.0 * self.text.logits(token_ids, padding_mask)[:, :1]}


class Table(tf.Module):
    """The same with a number and a category beside the text, each with a vector of scores of its own."""

    def __init__(self, size: int) -> None:
        """Draws the weights.

        Args:
            size: tokens in the vocabulary.
        """
        super().__init__()
        self.text = Tiny(size)
        random = np.random.default_rng(5)
        self.number = tf.Variable(random.normal(0.0, 1.0, (2, len(LABELS))).astype(np.float32))
        self.category = tf.Variable(random.normal(0.0, 1.0, (2 + VALUES, len(LABELS))).astype(np.float32))

    def signature(self, length: int) -> tf.types.experimental.PolymorphicFunction:
        """The function of a window: ids, mask, float32 `[1, 2]`, int32 `[1]` to float32 `[1, labels]`."""
        specs = [tf.TensorSpec([1, length], tf.int32, name=name) for name in ("token_ids", "padding_mask")]
        specs += [tf.TensorSpec([1, 2], tf.float32, name="price"), tf.TensorSpec([1], tf.int32, name="shop")]

        def call(ids: tf.Tensor, mask: tf.Tensor, price: tf.Tensor, shop: tf.Tensor) -> dict[str, tf.Tensor]:
            rest = [[0, 0], [0, SEQUENCE_LENGTH - length]]
            logits = self.text.logits(tf.pad(ids, rest), tf.pad(mask, rest))
            return {"probabilities": tf.nn.softmax(logits + price @ self.number + tf.gather(self.category, shop))}

        return tf.function(call, input_signature=specs).get_concrete_function()


class Camera(tf.Module):
    """A picture, readings and a time, each with scores of its own."""

    PIXELS, READINGS, TIME = (6, 8, 3), (2, 6), 5

    def __init__(self) -> None:
        """Draws the weights."""
        super().__init__()
        random = np.random.default_rng(6)
        parts = ((self.PIXELS, 0.3), ((1,), 1.0), (self.READINGS, 0.3), ((self.TIME,), 1.0))
        draw = [random.normal(0.0, scale, (int(np.prod(shape)), len(LABELS))) for shape, scale in parts]
        self.weights = [tf.Variable(weights.astype(np.float32)) for weights in draw]

    def signature(self) -> tf.types.experimental.PolymorphicFunction:
        """The function of a record: uint8 pixels and a flag, float32 readings and time, to float32 `[1, labels]`."""
        shapes = {"photo_pixels": self.PIXELS, "photo_present": (1,), "lidar": self.READINGS, "seen": (self.TIME,)}
        specs = [
            tf.TensorSpec([1, *shape], tf.uint8 if name == "photo_pixels" else tf.float32, name=name)
            for name, shape in shapes.items()
        ]

        def call(
            photo_pixels: tf.Tensor, photo_present: tf.Tensor, lidar: tf.Tensor, seen: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            given = (photo_pixels, photo_present, lidar, seen)
            parts = [tf.reshape(tf.cast(part, tf.float32), [1, -1]) for part in given]
            parts[0] = parts[0] / 255.0
            return {"probabilities": tf.nn.softmax(tf.add_n([a @ b for a, b in zip(parts, self.weights, strict=True)]))}

        return tf.function(call, input_signature=specs).get_concrete_function()


def main() -> None:
    """Writes the files beside this script."""
    tokens = vocabulary()
    tiny, number, table, camera = Tiny(len(tokens)), Number(len(tokens)), Table(len(tokens)), Camera()
    windows = {"serving_default": SEQUENCE_LENGTH, f"window_{SHORT}": SHORT}
    for name, model, signatures in (
        ("tiny", tiny, {"serving_default": tiny.serving_default}),
        ("number", number, {"serving_default": number.serving_default}),
        ("table", table, {key: table.signature(length) for key, length in windows.items()}),
        ("camera", camera, {"serving_default": camera.signature()}),
    ):
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(model, folder, signatures=signatures)
            converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(signatures))
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            content = converter.convert()
        (HERE / f"{name}.tflite").write_bytes(content)
        print(f"{name}: {len(tokens)} tokens, {len(content)} bytes")
    (HERE / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")


if __name__ == "__main__":
    main()
