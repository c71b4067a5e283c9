"""Adds varied rows to the train split inside ExampleGen, the same ones for the same rows on any number of workers.

A row's variations are drawn from the seed and the row itself, never from its place in a file or on a worker.

A varied text enters the train split only if its own hash would have put it there. The split of a text is decided by
that hash alone, so no row of `eval` or `test` can ever equal a varied row, neither in this span nor in a later one that
a model trained on this one is judged by. No comparison of the splits is needed for it, and no shuffle.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)
from modules.rows.settings import Columns
from modules.text import labelled_variations

import apache_beam as beam
import tensorflow as tf

from pipeline.config.rows.augmentation import AugmentationConfig
from pipeline.ingest import rows
from pipeline.tfx_gaps.split_rule import Division

_ATTEMPTS = 8  # per varied row; most candidates that fail have a hash of another split


class AddVariedRows(beam.PTransform):
    """The examples and their variations."""

    def __init__(
        self, wanted: AugmentationConfig, columns: Columns, exec_properties: Mapping[str, Any], split: str
    ) -> None:
        """Keeps what the workers need.

        Args:
            wanted: how many rows are varied, and how.
            columns: where text and label are.
            exec_properties: ExampleGen's, for how rows are divided into splits.
            split: name of the split that the examples are of.
        """
        super().__init__()
        self._wanted, self._columns, self._division = wanted, columns, Division.of(exec_properties, split)

    def expand(self, examples: beam.PCollection) -> beam.PCollection:
        """Beam's hook."""
        label = self._columns.label
        counts = beam.pvalue.AsDict(
            examples
            | "Label" >> beam.Map(lambda example: (_value(example, label), 1))
            | "CountLabels" >> beam.CombinePerKey(sum)
        )
        return examples | "Vary" >> beam.FlatMap(_with_variations, self._wanted, self._columns, self._division, counts)


def copies_by_label(counts: Mapping[str, int], *, share: float, balance: bool) -> dict[str, float]:
    """How many variations a row of each label has on average.

    Args:
        counts: rows of each label.
        share: variations per row.
        balance: bring every label up to the most frequent one.
    """
    if not balance:
        return dict.fromkeys(counts, share)
    largest = max(counts.values(), default=0) * (1.0 + share)
    return {label: largest / count - 1.0 for label, count in counts.items()}


def _with_variations(
    example: tf.train.Example,
    wanted: AugmentationConfig,
    columns: Columns,
    division: Division,
    counts: Mapping[str, int],
) -> Iterator[tf.train.Example]:
    yield example
    text = _value(example, columns.text)
    average = copies_by_label(counts, share=wanted.share, balance=wanted.balance)
    # The serialised row tells rows with equal texts apart.
    row = example.SerializeToString(deterministic=True).hex()
    chance = random.Random(f"{wanted.seed}:{row}")
    expected = average[_value(example, columns.label)]
    number = min(int(expected) + (chance.random() < expected % 1.0), wanted.max_copies)
    seen = {rows.text_hash(text)}
    for _ in range(number):
        for _ in range(_ATTEMPTS):
            varied = labelled_variations.variation(text, _operations(wanted), chance)
            if varied is None:
                return
            candidate = _with_text(example, columns.text, varied)
            if _value(candidate, rows.TEXT_HASH) not in seen and division.holds(candidate):
                seen.add(_value(candidate, rows.TEXT_HASH))
                yield candidate
                break


@functools.lru_cache(maxsize=4)
def _operations(wanted: AugmentationConfig) -> Sequence[labelled_variations.Operation]:
    """Once per worker: a table is a file, and a back-translation may load a model when it is imported."""
    words: labelled_variations.Synonyms = {}
    if wanted.synonyms:
        table = wanted.synonym_table or str(labelled_variations.BUNDLED_SYNONYMS)
        with tf.io.gfile.GFile(table) as stream:
            words = labelled_variations.read_synonyms(stream.read(), table)
    return labelled_variations.operations(
        synonyms=wanted.synonyms,
        deletion=wanted.deletion,
        swap=wanted.swap,
        keyboard=wanted.keyboard,
        table=words,
        back_translation=(
            labelled_variations.load_callable(wanted.back_translation) if wanted.back_translation else None
        ),
    )


def _with_text(example: tf.train.Example, column: str, text: str) -> tf.train.Example:
    varied = tf.train.Example.FromString(example.SerializeToString())
    for name, value in ((column, text), (rows.TEXT_HASH, rows.text_hash(text))):
        varied.features.feature[name].bytes_list.value[:] = [value.encode("utf-8", errors="replace")]
    return varied


def _value(example: tf.train.Example, column: str) -> str:
    return example.features.feature[column].bytes_list.value[0].decode("utf-8")
