"""The words of an input with a backbone as a file beside its network, one a line in the order of their numbers."""

from __future__ import annotations

from collections.abc import Sequence

VOCABULARY_FILE = "vocabulary.txt"


def read_vocabulary(path: str) -> list[str]:
    """The words of a vocabulary file.

    Only line feeds end a line: some vocabularies hold characters that `str.splitlines` would break at.

    Args:
        path: any path that `tf.io.gfile` knows.

    Returns:
        The words; none where the file is empty.
    """
    import tensorflow as tf

    with tf.io.gfile.GFile(path, "rb") as file:
        content = file.read().decode("utf-8")
    return content.removesuffix("\n").split("\n") if content else []


def write_vocabulary(path: str, words: Sequence[str]) -> None:
    """Writes what `read_vocabulary` reads."""
    import tensorflow as tf

    with tf.io.gfile.GFile(path, "wb") as file:
        file.write("".join(f"{word}\n" for word in words).encode("utf-8"))
