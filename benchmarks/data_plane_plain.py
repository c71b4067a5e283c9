"""The other side of the comparison: the same nodes as the TFX tutorials write them, with TFX's defaults.

`CsvExampleGen` → `StatisticsGen` → `SchemaGen` → `Transform`, nothing set but what has no default. Transform tokenises
with BERT's algorithm in plain Python, one text at a time, a dictionary look-up per piece, inside `tf.py_function`: what
one writes first when the tokenizer at hand is a Python class. Label ids come from `tft.compute_and_apply_vocabulary`.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)
from modules.text.tokenization import END, PAD, START, UNKNOWN
from modules.text.vocabulary import split_word

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx import v1 as tfx

_GRAPHS: list[Any] = []  # TensorFlow's registry of Python functions is weak: what is traced must be kept alive


def create_pipeline(csv_folder: str, root: str, vocabulary: str, sequence_length: int, **options: Any) -> Any:
    """The plain pipeline.

    Args:
        csv_folder: folder with the CSV file.
        root: of all artifacts.
        vocabulary: WordPiece vocabulary, one token a line.
        sequence_length: window in tokens.
        **options: metadata connection and Beam arguments.
    """
    example_gen = tfx.components.CsvExampleGen(input_base=csv_folder).with_id("ExampleGen")
    statistics_gen = tfx.components.StatisticsGen(examples=example_gen.outputs["examples"])
    schema_gen = tfx.components.SchemaGen(statistics=statistics_gen.outputs["statistics"])
    transform = tfx.components.Transform(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        preprocessing_fn="benchmarks.data_plane_plain.preprocessing_fn",
        custom_config={"vocabulary": vocabulary, "sequence_length": sequence_length},
    )
    return tfx.dsl.Pipeline(
        pipeline_name="plain-tfx",
        pipeline_root=root,
        components=[example_gen, statistics_gen, schema_gen, transform],
        enable_cache=False,
        **options,
    )


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, Any]:
    """Token ids by a Python function, label ids by Transform's own vocabulary."""
    length = custom_config["sequence_length"]
    _GRAPHS.append(tf.compat.v1.get_default_graph())
    ids = tf.py_function(
        functools.partial(_batch, custom_config["vocabulary"], length), [_dense(inputs["text"])], tf.int64
    )
    ids = tf.ensure_shape(ids, [None, length])
    return {
        "token_ids": ids,
        "padding_mask": tf.cast(tf.not_equal(ids, 0), tf.int64),
        "label_id": tft.compute_and_apply_vocabulary(_dense(inputs["label"])),
    }


def token_ids(text: str, vocabulary: Mapping[str, int], length: int) -> list[int]:
    """BERT's uncased tokenisation of one text: `[CLS] pieces [SEP]`, padded to `length`."""
    pieces: list[int] = []
    for word in _words(text):
        pieces.extend(vocabulary.get(piece, vocabulary[UNKNOWN]) for piece in split_word(word, vocabulary))
    row = [vocabulary[START], *pieces[: length - 2], vocabulary[END]]
    return row + [vocabulary[PAD]] * (length - len(row))


def _batch(path: str, length: int, texts: Any) -> np.ndarray:
    vocabulary = _vocabulary(path)
    return np.array([token_ids(text.decode("utf-8"), vocabulary, length) for text in texts.numpy()], np.int64)


def _words(text: str) -> list[str]:
    cleaned = []
    for character in unicodedata.normalize("NFD", text.lower()):
        category = unicodedata.category(character)
        if category == "Mn":
            continue
        cleaned.append(f" {character} " if category.startswith("P") or character in "$+<=>^`|~" else character)
    return "".join(cleaned).split()


@functools.lru_cache(maxsize=1)
def _vocabulary(path: str) -> dict[str, int]:
    tokens = Path(path).read_text(encoding="utf-8").split("\n")
    return {token: index for index, token in enumerate(tokens) if token}


def _dense(column: Any) -> Any:
    """`[batch]` of what SchemaGen made a sparse or a dense column of one value."""
    if isinstance(column, tf.SparseTensor):
        column = tf.sparse.to_dense(column, default_value="")
    return tf.reshape(column, [-1])
