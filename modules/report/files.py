"""Reading JSON files of artifacts, wherever they are."""

from __future__ import annotations

import json
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

import tensorflow as tf


def read_json(folder: str | None, *parts: str) -> Any:
    """The content of a JSON file.

    Args:
        folder: of an artifact, any path that `tf.io.gfile` knows.
        *parts: of the path below it.

    Returns:
        None where there is no folder or no such file in it.
    """
    if folder is None:
        return None
    path = "/".join((folder.rstrip("/"), *parts))
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path, "rb") as file:
        return json.loads(file.read())
