"""What a device must do with a text before the model: its part of a bundle's manifest."""

from __future__ import annotations

from typing import Any

VOCABULARY_FILE = "vocabulary.txt"


def step(folder: str) -> dict[str, Any]:
    """What `edgeline_edge.bundle.write_bundle` must be told; the tokenizer itself is the edge package's.

    Args:
        folder: of a network, with the vocabulary that it was made for.

    Returns:
        `vocabulary`, the tokens in id order.
    """
    return {"vocabulary": read_vocabulary(f"{folder}/{VOCABULARY_FILE}")}


def read_vocabulary(path: str) -> list[str]:
    """The tokens of a vocabulary file, one a line.

    Only line feeds end a line: some vocabularies hold characters that `str.splitlines` would break at.
    """
    import tensorflow as tf

    with tf.io.gfile.GFile(path, "rb") as file:
        return file.read().decode("utf-8").removesuffix("\n").split("\n")
