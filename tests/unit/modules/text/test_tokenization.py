"""`modules.text.tokenization` by itself: vocabularies and their errors, arguments and their errors."""

from __future__ import annotations

from pathlib import Path

import modules  # noqa: F401
from modules.text.tokenization import load_vocabulary, vocabulary_problem, wordpiece

import pytest

SPECIALS = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n"


def test_a_vocabulary_is_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_bytes(SPECIALS.replace("\n", "\r\n").encode() + "é\n\u2028\n##x".encode())
    assert load_vocabulary(str(path)) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "é", "\u2028", "##x"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "missing among 0 tokens"),
        (b"[PAD]\n[UNK]\n[CLS]\n", r"\[SEP\] missing among 3 tokens"),
        (SPECIALS.encode() + b"\na\n", "line 5 is empty"),
        (SPECIALS.encode() + b"a\nb\na\n", "line 7 repeats 'a' of line 5"),
        (SPECIALS.encode() + b"##\n", "line 5 is the bare suffix mark"),
        (SPECIALS.encode() + b"caf\xe9\n", "line 5: not UTF-8"),
    ],
)
def test_an_unusable_vocabulary_is_refused_with_file_and_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "vocab.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"vocab.txt.*{message}"):
        load_vocabulary(str(path))


def test_an_absent_vocabulary_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        load_vocabulary(str(tmp_path / "absent"))


def test_arguments_are_checked() -> None:
    import tensorflow as tf

    vocabulary = SPECIALS.split()
    with pytest.raises(ValueError, match="at least 3"):
        wordpiece(tf.constant(["a"]), vocabulary, 2)
    with pytest.raises(ValueError, match=r"shape \[batch\]"):
        wordpiece(tf.constant([["a"]]), vocabulary, 8)
    with pytest.raises(ValueError, match="missing"):
        wordpiece(tf.constant(["a"]), vocabulary[1:], 8)
    with pytest.raises(ValueError, match="No valid vocab tokens"):
        wordpiece(tf.constant(["a"]), vocabulary, 8)
    assert vocabulary_problem(vocabulary) == ""


def test_an_empty_batch_has_the_right_shape() -> None:
    import tensorflow as tf

    token_ids, padding_mask = wordpiece(tf.constant([], tf.string), [*SPECIALS.split(), "a"], 8)
    assert token_ids.shape == padding_mask.shape == (0, 8)


def test_it_works_in_the_graph_of_tf_transform() -> None:
    """TensorFlow Transform traces `preprocessing_fn` into a graph of its own; constants must follow it there."""
    import tensorflow as tf

    vocabulary = [*SPECIALS.split(), "a", "##b"]
    eager = wordpiece(tf.constant(["ab c"]), vocabulary, 8)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        traced = session.run(wordpiece(tf.constant(["ab c"]), vocabulary, 8))
    assert [tensor.numpy().tolist() for tensor in eager] == [array.tolist() for array in traced]
    assert eager[0].numpy().tolist() == [[2, 4, 5, 1, 3, 0, 0, 0]]
