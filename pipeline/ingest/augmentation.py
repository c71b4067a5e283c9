"""Adds varied rows to the train split inside ExampleGen, the same ones for the same rows on any number of workers.

How a value is varied is its input's own affair. Each varied row has another text than its row; what further inputs read
of it is varied with it, where their kinds can. A row's variations are drawn from the seed and the row itself, never
from its place in a file or on a worker.

A varied text enters the train split only if its own hash would have put it there. The split of a text is decided by
that hash alone, so no row of `eval` or `test` can ever equal a varied row, neither in this span nor in a later one that
a model trained on this one is judged by. No comparison of the splits is needed for it, and no shuffle.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modules.registry import load  # and settles Keras 2 before TFX imports TensorFlow

import apache_beam as beam
import tensorflow as tf

from pipeline.config.rows.augmentation import AugmentationConfig
from pipeline.ingest import rows
from pipeline.tfx_gaps.split_rule import Division

Variation = Callable[[str, random.Random], str | None]
_ATTEMPTS = 8  # per varied row; most candidates that fail have a hash of another split


class AddVariedRows(beam.PTransform):
    """The examples and their variations."""

    def __init__(
        self,
        wanted: AugmentationConfig,
        variations: Mapping[str, str],
        exec_properties: Mapping[str, Any],
        split: str,
        *,
        text: str,
        label: str,
    ) -> None:
        """Keeps what the workers need.

        Args:
            wanted: how many rows are varied, and how.
            variations: by column, the import path of its input's role `variation`.
            exec_properties: ExampleGen's, for how rows are divided into splits.
            split: name of the split that the examples are of.
            text: column by which rows are told apart.
            label: column whose names rows are balanced by; empty where the answer is no name.
        """
        super().__init__()
        self._wanted, self._variations, self._text, self._label = wanted, dict(variations), text, label
        self._division = Division.of(exec_properties, split)

    def expand(self, examples: beam.PCollection) -> beam.PCollection:
        """Beam's hook."""
        label = self._label
        counts = beam.pvalue.AsDict(
            examples
            | "Label" >> beam.Map(lambda example: (_label(example, label), 1))
            | "CountLabels" >> beam.CombinePerKey(sum)
        )
        return examples | "Vary" >> beam.FlatMap(
            _with_variations, self._wanted, self._variations, self._text, label, self._division, counts
        )


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
    variations: Mapping[str, str],
    text: str,
    label: str,
    division: Division,
    counts: Mapping[str, int],
) -> Iterator[tf.train.Example]:
    yield example
    vary = {column: load(path)(wanted.model_dump()) for column, path in sorted(variations.items())}
    value = _value(example, text)
    average = copies_by_label(counts, share=wanted.share, balance=wanted.balance)
    # The serialised row tells rows with equal texts apart.
    row = example.SerializeToString(deterministic=True).hex()
    chance = random.Random(f"{wanted.seed}:{row}")
    expected = average[_label(example, label)]
    number = min(int(expected) + (chance.random() < expected % 1.0), wanted.max_copies)
    seen = {rows.text_hash(value)}
    for _ in range(number):
        for _ in range(_ATTEMPTS):
            varied = vary[text](value, chance)
            if varied is None:
                return
            candidate = _with_text(example, text, varied)
            for column in [name for name in vary if name != text]:
                _vary(candidate, column, vary[column], chance)
            if _value(candidate, rows.TEXT_HASH) not in seen and division.holds(candidate):
                seen.add(_value(candidate, rows.TEXT_HASH))
                yield candidate
                break


def _label(example: tf.train.Example, column: str) -> str:
    """The label that rows are balanced by; one and the same where the answer is no name."""
    return _value(example, column) if column else ""


def _vary(example: tf.train.Example, column: str, vary: Variation, chance: random.Random) -> None:
    """Varies what a further input reads, where there is anything to vary."""
    varied = vary(_value(example, column), chance)
    if varied is not None:
        example.features.feature[column].bytes_list.value[:] = [varied.encode("utf-8", errors="replace")]


def _with_text(example: tf.train.Example, column: str, text: str) -> tf.train.Example:
    varied = tf.train.Example.FromString(example.SerializeToString())
    for name, value in ((column, text), (rows.TEXT_HASH, rows.text_hash(text))):
        varied.features.feature[name].bytes_list.value[:] = [value.encode("utf-8", errors="replace")]
    return varied


def _value(example: tf.train.Example, column: str) -> str:
    return example.features.feature[column].bytes_list.value[0].decode("utf-8")
