"""SavedModels that this process reads, each loaded once: the nodes that judge a model follow each other.

Loading takes longer than answering a split: a graph is built of several signatures, each with Transform's.
"""

from __future__ import annotations

import collections
import os
import threading
from typing import Any

_KEPT = 2  # a model, and the one that it is compared with
_FINGERPRINT = "fingerprint.pb"  # written anew, with a number drawn for it, each time that a model is saved
_Key = tuple[str, bytes, tuple[tuple[str, int, int], ...]]
_models: collections.OrderedDict[_Key, Any] = collections.OrderedDict()
_turn = threading.Lock()


def load(folder: str) -> Any:
    """What `tf.saved_model.load` gives; the same object again while the files are the same.

    Args:
        folder: of a SavedModel, any path that `tf.io.gfile` knows.

    Returns:
        The model, which stays loaded until others have been asked for. Nobody may change it.

    Raises:
        OSError: there is no SavedModel.
    """
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  (registers the tokenizer's ops)

    with _turn:
        key = _key(folder)
        if key not in _models:
            _models[key] = tf.saved_model.load(folder)
        _models.move_to_end(key)
        while len(_models) > _KEPT:
            _models.popitem(last=False)
        return _models[key]


def _key(folder: str) -> _Key:
    """The folder, the model's fingerprint, and of every file in it size and time of its last change.

    TensorFlow tells that time in whole seconds: two models saved within one differ in their fingerprints alone.
    """
    import tensorflow as tf

    files = []
    for place, _, names in tf.io.gfile.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            found = tf.io.gfile.stat(path)
            files.append((path, found.length, found.mtime_nsec))
    fingerprint, path = b"", os.path.join(folder, _FINGERPRINT)
    if tf.io.gfile.exists(path):
        with tf.io.gfile.GFile(path, "rb") as stream:
            fingerprint = stream.read()
    return folder, fingerprint, tuple(sorted(files))
