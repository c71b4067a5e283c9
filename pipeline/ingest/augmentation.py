"""Adds varied rows to the train split inside ExampleGen, the same ones for the same rows on any number of workers.

How a value is varied is its input's own affair. Each varied row has another text than its row; what further inputs read
of it is varied with it, where their kinds can. A row's variations are drawn from the seed and the row itself, never
from its place in a file or on a worker.

What a word and what a negation is depends on the language. The rows' languages are set, or found out from a sample of
them that depends neither on their order nor on the workers.

A varied text enters the train split only if its own hash would have put it there. The split of a text is decided by
that hash alone, so no row of `eval` or `test` can ever equal a varied row, neither in this span nor in a later one that
a model trained on this one is judged by. No comparison of the splits is needed for it, and no shuffle.
"""

from __future__ import annotations

import json
import posixpath
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modules.artifact_files import AUGMENTATION_FILE
from modules.registry import load  # and settles Keras 2 before TFX imports TensorFlow
from modules.text import languages
from modules.text.labelled_variations import BUNDLED_SYNONYMS

import apache_beam as beam
import tensorflow as tf

from pipeline.config.rows.augmentation import AugmentationConfig
from pipeline.ingest import rows, transforms
from pipeline.ingest.rows import DataError
from pipeline.tfx_gaps.split_rule import Division

Variation = Callable[[str, random.Random], str | None]
WANTED, MADE, UNVARIED, UNFIT = "wanted", "made", "nothing_to_vary", "equal_or_of_another_split"
_ATTEMPTS = 8  # per varied row; most candidates that fail have a hash of another split
_SAMPLED = 500  # texts whose language is looked at
_BEGINNING = 400  # characters of such a text
_MAIN, _COUNTS = "main", "counts"


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
        folder: str | None = None,
    ) -> None:
        """Keeps what the workers need.

        Args:
            wanted: how many rows are varied, and how.
            variations: by column, the import path of its input's role `variation`.
            exec_properties: ExampleGen's, for how rows are divided into splits.
            split: name of the split that the examples are of.
            text: column by which rows are told apart.
            label: column whose names rows are balanced by; empty where the answer is no name.
            folder: of the artifact, in which to write how many variations were wanted and made; None writes nothing.
        """
        super().__init__()
        self._wanted, self._variations, self._text, self._label = wanted, dict(variations), text, label
        self._folder = folder
        self._division = Division.of(exec_properties, split)

    def expand(self, examples: beam.PCollection) -> beam.PCollection:
        """Beam's hook."""
        label = self._label
        counts = beam.pvalue.AsDict(
            examples
            | "Label" >> beam.Map(lambda example: (_label(example, label), 1))
            | "CountLabels" >> beam.CombinePerKey(sum)
        )
        spoken = beam.pvalue.AsSingleton(
            examples
            | "Beginning" >> beam.Map(_beginning, self._text)
            | "Sample" >> beam.combiners.Top.Smallest(_SAMPLED)
            | "Languages" >> beam.Map(_languages, self._wanted)
        )
        varied = examples | "Vary" >> beam.FlatMap(
            _with_variations, self._wanted, self._variations, self._text, label, self._division, counts, spoken
        ).with_outputs(_COUNTS, main=_MAIN)
        if self._folder is not None:
            _ = (
                varied[_COUNTS]
                | "SumCopies" >> beam.CombinePerKey(sum)
                | "CopiesAsDict" >> beam.combiners.ToDict()
                | "WriteCopies"
                >> beam.Map(_write, self._wanted, spoken, posixpath.join(self._folder, AUGMENTATION_FILE))
            )
        return varied[_MAIN]


def read_counts(folder: str) -> dict[str, Any]:
    """Reads what came of the variations.

    Args:
        folder: of the Examples artifact.

    Returns:
        `{"wanted", "made", "nothing_to_vary", "equal_or_of_another_split", "languages", "message"}`: variations by
        what became of them, the languages that the rows are taken to be written in, and all of it in words, with the
        operations that were left out for these languages.
    """
    with tf.io.gfile.GFile(posixpath.join(folder, AUGMENTATION_FILE)) as stream:
        return json.loads(stream.read())


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
    spoken: list[str],
) -> Iterator[Any]:
    yield example
    asked = {**wanted.model_dump(), "languages": spoken}
    vary = {column: load(path)(asked) for column, path in sorted(variations.items())}
    value = _value(example, text)
    average = copies_by_label(counts, share=wanted.share, balance=wanted.balance)
    # The serialised row tells rows with equal texts apart.
    row = example.SerializeToString(deterministic=True).hex()
    chance = random.Random(f"{wanted.seed}:{row}")
    expected = average[_label(example, label)]
    number = min(int(expected) + (chance.random() < expected % 1.0), wanted.max_copies)
    seen = {rows.text_hash(value)}
    for made in range(number):
        found = _one(example, vary, text, value, chance, seen, division)
        if isinstance(found, str):
            yield _count(found, number - made if found == UNVARIED else 1)
            if found == UNVARIED:
                break
        else:
            yield found
            yield _count(MADE, 1)
    if number:
        yield _count(WANTED, number)


def _one(
    example: tf.train.Example,
    vary: Mapping[str, Variation],
    text: str,
    value: str,
    chance: random.Random,
    seen: set[str],
    division: Division,
) -> tf.train.Example | str:
    """One more variation; `UNVARIED` where there is nothing to vary, `UNFIT` where none may be taken."""
    for _ in range(_ATTEMPTS):
        varied = vary[text](value, chance)
        if varied is None:
            return UNVARIED
        candidate = _with_text(example, text, varied)
        for column in [name for name in vary if name != text]:
            _vary(candidate, column, vary[column], chance)
        if _value(candidate, rows.TEXT_HASH) not in seen and division.holds(candidate):
            seen.add(_value(candidate, rows.TEXT_HASH))
            return candidate
    return UNFIT


def _count(name: str, number: int) -> beam.pvalue.TaggedOutput:
    return beam.pvalue.TaggedOutput(_COUNTS, (name, number))


def _beginning(example: tf.train.Example, text: str) -> tuple[str, str]:
    """What a text's language is told by, behind the hash by which the same texts are looked at in any order."""
    return _value(example, rows.TEXT_HASH), _value(example, text)[:_BEGINNING]


def _languages(sample: list[tuple[str, str]], wanted: AugmentationConfig) -> list[str]:
    """The languages that are set, or those of a sample.

    Raises:
        DataError: the synonym table is of another one.
    """
    found = list(wanted.languages) or languages.spoken(languages.shares(text for _, text in sample))
    if problem := wanted.refusal(found, _table(wanted)):
        raise DataError(problem)
    return found


def _table(wanted: AugmentationConfig) -> str | None:
    if not wanted.synonyms:
        return None
    with tf.io.gfile.GFile(wanted.synonym_table or str(BUNDLED_SYNONYMS)) as stream:
        return stream.read()


def _write(counts: Mapping[str, int], wanted: AugmentationConfig, spoken: list[str], path: str) -> None:
    found = {name: counts.get(name, 0) for name in (WANTED, MADE, UNVARIED, UNFIT)}
    message = _told(found, spoken, wanted.left_out(spoken, _table(wanted)))
    transforms.write_json({**found, "languages": spoken, "message": message}, path)


def _told(counts: Mapping[str, int], spoken: list[str], left_out: list[str]) -> str:
    short = [
        f"{counts[name]:,} {what}"
        for name, what in (
            (UNVARIED, "of texts in which nothing could be varied"),
            (UNFIT, "equal to another row, or of another split"),
        )
        if counts[name]
    ]
    why = f" ({', '.join(short)})" if short else ""
    made = f"{counts[MADE]:,} varied rows of {counts[WANTED]:,} wanted{why}, as texts in {', '.join(spoken)}"
    return "; ".join([made, *left_out])


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
