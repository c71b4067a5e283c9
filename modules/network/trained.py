"""What a `Model` artifact keeps so that a later node can build the network again: shapes, weights, words, labels.

A folder holds `architecture.json`, `model.weights.h5` (float32), `vocabulary.txt` and `labels.json`. It is written
under another name and renamed, so that a half-written folder is never read. Nothing in it depends on the precision
policy, the dropout or the distribution strategy of the training that made the weights.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modules.artifact_files import LABELS_FILE
from modules.inputs.vocabulary_file import VOCABULARY_FILE, read_vocabulary, write_vocabulary
from modules.network.architecture import Architecture
from modules.network.model import build_model
from modules.targets.kinds import TARGETS

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)

if TYPE_CHECKING:
    import tf_keras

ARCHITECTURE, WEIGHTS = "architecture.json", "model.weights.h5"
VOCABULARY = VOCABULARY_FILE


class CheckpointError(ValueError):
    """The folder is not a complete trained model, or its parts contradict each other."""


@dataclasses.dataclass(frozen=True)
class Trained:
    """A trained classifier and what is needed to use it.

    Attributes:
        model: what `modules.network.model.build_model` returns, with the trained weights.
        architecture: the shapes of `model`.
        vocabulary: WordPiece tokens in id order, or what else the backbone reads; empty without a backbone.
        labels: label names in id order; empty where the target has none.
    """

    model: tf_keras.Model
    architecture: Architecture
    vocabulary: list[str]
    labels: list[str]


def write_architecture(folder: str, architecture: Architecture) -> None:
    """Writes the shapes of a network into a folder."""
    _write(f"{folder}/{ARCHITECTURE}", json.dumps(architecture.to_dict(), indent=2) + "\n")


def read_architecture(folder: str) -> Architecture:
    """Reads the shapes of a network.

    Args:
        folder: what `save_trained` or `write_architecture` wrote.

    Raises:
        CheckpointError: there are none, or they cannot be read.
    """
    try:
        return Architecture.from_dict(json.loads(_read(f"{folder}/{ARCHITECTURE}")))
    except (ValueError, TypeError, tf.errors.NotFoundError) as error:
        raise CheckpointError(f"{folder}: {ARCHITECTURE} cannot be read: {error}") from error


def save_trained(
    folder: str,
    model: tf_keras.Model,
    architecture: Architecture,
    *,
    vocabulary: Sequence[str],
    labels: Sequence[str],
) -> None:
    """Writes a trained classifier; replaces a folder that is there already.

    Args:
        folder: where to; any path that `tf.io.gfile` knows.
        model: what `build_model` returned, under any precision policy.
        architecture: the shapes of `model`.
        vocabulary: WordPiece tokens in id order, one line each.
        labels: label names in id order.

    Raises:
        CheckpointError: vocabulary or labels do not have as many entries as the network has rows or outputs.
    """
    _check(architecture, vocabulary, labels)
    folder = folder.rstrip("/")
    partial = f"{folder}.partial"
    if tf.io.gfile.exists(partial):
        tf.io.gfile.rmtree(partial)
    tf.io.gfile.makedirs(partial)
    with tempfile.TemporaryDirectory() as local:
        # HDF5 wants a real file; the artifact's folder may be in a bucket.
        weights = os.path.join(local, WEIGHTS)
        model.save_weights(weights)
        tf.io.gfile.copy(weights, f"{partial}/{WEIGHTS}")
    write_architecture(partial, architecture)
    write_vocabulary(f"{partial}/{VOCABULARY}", vocabulary)
    _write(f"{partial}/{LABELS_FILE}", json.dumps(list(labels), ensure_ascii=False) + "\n")
    if tf.io.gfile.exists(folder):
        tf.io.gfile.rmtree(folder)
    tf.io.gfile.rename(partial, folder)


def load_trained(folder: str, *, policy: str = "float32", dropout: float = 0.0) -> Trained:
    """Builds the network anew and fills it with the weights of a folder that `save_trained` wrote.

    Args:
        folder: the `training` folder of a `Model` artifact; any path that `tf.io.gfile` knows.
        policy: Keras precision policy to build under; need not be the one that trained the weights.
        dropout: rate inside the encoder and before the head.

    Returns:
        The classifier with its float32 weights, its shapes, vocabulary and labels.

    Raises:
        CheckpointError: a file is missing or unreadable, or the parts do not fit each other.
    """
    folder = folder.rstrip("/")
    wanted = (ARCHITECTURE, WEIGHTS, VOCABULARY, LABELS_FILE)
    missing = [name for name in wanted if not tf.io.gfile.exists(f"{folder}/{name}")]
    if missing:
        raise CheckpointError(f"{folder} is not a trained model: {', '.join(missing)} missing.")
    architecture = read_architecture(folder)
    try:
        labels = [str(label) for label in json.loads(_read(f"{folder}/{LABELS_FILE}"))]
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{folder}: {LABELS_FILE} cannot be read: {error}") from error
    vocabulary = read_vocabulary(f"{folder}/{VOCABULARY}")
    _check(architecture, vocabulary, labels)
    model = build_model(architecture, dropout=dropout, policy=policy)
    with tempfile.TemporaryDirectory() as local:
        weights = os.path.join(local, WEIGHTS)
        tf.io.gfile.copy(f"{folder}/{WEIGHTS}", weights)
        try:
            model.load_weights(weights)
        except (ValueError, KeyError, OSError) as error:
            raise CheckpointError(f"{folder}/{WEIGHTS} does not fit {ARCHITECTURE}: {error}") from error
    return Trained(model, architecture, vocabulary, labels)


def _check(architecture: Architecture, vocabulary: Sequence[str], labels: Sequence[str]) -> None:
    for name, got, wanted in (
        ("vocabulary", len(vocabulary), architecture.vocabulary_size),
        ("labels", TARGETS[architecture.target].outputs(labels), architecture.num_classes),
    ):
        if got != wanted:
            raise CheckpointError(f"{name} has {got} entries, the network {wanted}.")


def _write(path: str, text: str) -> None:
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(text.encode("utf-8"))


def _read(path: str) -> str:
    with tf.io.gfile.GFile(path, "rb") as file:
        return file.read().decode("utf-8")
