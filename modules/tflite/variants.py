"""All recipes of a configuration, applied to one student: files, and a record of each in `variants.json`.

A recipe that fails is a recorded result; only when none is left, or the float32 variant that the others are compared
with failed, is there nothing to go on with.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from modules.artifact_files import LABELS_FILE, VARIANTS_FILE
from modules.inputs.vocabulary_file import write_vocabulary
from modules.machine.progress import tell
from modules.network import anatomy
from modules.network.logits import split_logits
from modules.network.trained import VOCABULARY, Trained, write_architecture
from modules.network.weights import read_weights
from modules.rows import words as words_lib
from modules.rows.transformed import Examples, stratified
from modules.tensors import Layout
from modules.tflite import output as outputs
from modules.tflite import parity
from modules.tflite.convert import ConversionError, convert
from modules.tflite.recipes import RECIPES
from modules.tflite.settings import Recipe

import numpy as np

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)

MODEL_FILE = "model.tflite"
REFERENCE, FLOAT = "reference", "float32"


def convert_all(
    student: Trained,
    reference: Trained,
    train: Examples,
    evaluation: Examples,
    recipes: Sequence[Recipe],
    *,
    folder: str,
    layout: Layout,
    windows: Sequence[int] = (),
    calibration_rows: int = 200,
    parity_rows: int = 256,
    seed: int = 0,
) -> dict[str, Any]:
    """Writes one folder per variant, the blessed model's float32 file, shapes, vocabularies, labels, and the index.

    Args:
        student: what the recipes are applied to.
        reference: the blessed model, converted as it is in float32: what size and speed are compared with.
        train: training rows in the reference's vocabulary, for calibration.
        evaluation: held-out rows in the reference's vocabulary, for the parity report.
        recipes: what to make; `float32` is added if it is missing.
        folder: where to; `<folder>/<variant>/model.tflite` and `<folder>/variants.json`.
        layout: what the network reads of a row, in the whole window of every file.
        windows: shorter windows that the variants have as well; the reference has none.
        calibration_rows: rows for calibration, stratified by label.
        parity_rows: rows for the parity report, stratified by label.
        seed: of both samples.

    Returns:
        The index: `variants` by name, each with `bytes`, `operations`, `parity`, `seconds` or with `error`;
        `reference` likewise with `float32_bytes`, the size of its weights; `sparsity` of the student by kernel;
        `learnt`, where a manifest says of its target what the network has learnt.

    Raises:
        ConversionError: the reference or the student's float32 variant cannot be made, or no other recipe succeeded.
    """
    words = words_lib.of(reference.architecture.encoded)

    def for_student(examples: Examples) -> Examples:
        return words.renumbered(examples, reference.vocabulary, student.vocabulary)

    rows = stratified(evaluation.labels, parity_rows, seed)
    sample = evaluation.take(rows)
    calibration = train.take(stratified(train.labels, calibration_rows, seed))
    of_student = for_student(calibration)
    feeds = [of_student.take(np.array([row])).features for row in range(len(of_student))]
    wanted = [RECIPES[FLOAT], *(recipe for recipe in recipes if recipe.name != FLOAT)]

    index: dict[str, Any] = {
        "sequence_length": layout.length,
        "windows": list(windows),
        "labels": student.labels,
        "variants": {},
    }
    index["sparsity"] = anatomy.of(student.model).sparsity()
    _write_words(f"{folder}/{REFERENCE}", reference)
    _write_words(folder, student)
    big = read_weights(reference.model)
    learnt = outputs.of(student.architecture.target).learnt(big.ending)
    if learnt:
        index["learnt"] = learnt
    index["reference"] = {"float32_bytes": 4 * big.count()} | _make(
        reference, big, RECIPES[FLOAT], sample, rows, f"{folder}/{REFERENCE}", layout, ()
    )
    small = read_weights(student.model)
    small_sample = for_student(sample)
    failures: list[str] = []
    for number, recipe in enumerate(wanted, start=1):
        tell(f"converting {recipe.name} ({number}/{len(wanted)})", step=number, steps=len(wanted))
        try:
            place = f"{folder}/{recipe.name}"
            record = _make(student, small, recipe, small_sample, rows, place, layout, feeds, windows)
        except ConversionError as error:
            if recipe.name == FLOAT:
                raise
            failures.append(str(error))
            record = {"recipe": recipe.model_dump(mode="json"), "error": str(error)}
            tell(f"{recipe.name} failed: {error}", error=str(error))
        index["variants"][recipe.name] = record
    if failures and len(failures) == len(wanted) - 1:
        raise ConversionError("no recipe succeeded: " + "; ".join(failures))
    with tf.io.gfile.GFile(f"{folder}/{VARIANTS_FILE}", "w") as file:
        file.write(json.dumps(index, indent=2))
    return index


def read_index(folder: str) -> dict[str, Any]:
    """The index that `convert_all` wrote into a folder."""
    with tf.io.gfile.GFile(f"{folder}/{VARIANTS_FILE}") as file:
        return json.loads(file.read())


def read_model(folder: str, variant: str) -> bytes:
    """The content of a variant's file."""
    with tf.io.gfile.GFile(f"{folder}/{variant}/{MODEL_FILE}", "rb") as file:
        return file.read()


def _make(
    trained: Trained,
    weights: Any,
    recipe: Recipe,
    sample: Examples,
    rows: np.ndarray,
    folder: str,
    layout: Layout,
    calibration: Sequence[Any],
    windows: Sequence[int] = (),
) -> dict[str, Any]:
    """Converts, compares with the Keras model, writes the file; the record for the index."""
    began = time.monotonic()
    converted = convert(
        weights,
        trained.architecture,
        recipe,
        layout=layout,
        windows=windows,
        calibration=calibration,
    )
    output = outputs.of(trained.architecture.target)
    expected = output.expected(split_logits(trained.model, sample), weights.ending)
    try:
        got = parity.run(converted.content, sample.features, layout, output)
    except (RuntimeError, ValueError) as error:
        raise ConversionError(f"{recipe.name} converts, but LiteRT cannot run it: {str(error)[:300]}") from error
    compared = parity.compare(expected, got, output, [int(row) for row in rows])
    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(f"{folder}/{MODEL_FILE}", "wb") as file:
        file.write(converted.content)
    record: Mapping[str, Any] = {
        **converted.record(),
        "parity": compared.to_dict(),
        "seconds": round(time.monotonic() - began, 1),
    }
    return dict(record)


def _write_words(folder: str, trained: Trained) -> None:
    tf.io.gfile.makedirs(folder)
    write_architecture(folder, trained.architecture)  # says of which kind the input is
    write_vocabulary(f"{folder}/{VOCABULARY}", trained.vocabulary)
    with tf.io.gfile.GFile(f"{folder}/{LABELS_FILE}", "w") as file:
        file.write(json.dumps(trained.labels, ensure_ascii=False))
