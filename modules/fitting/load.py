"""First stage: the rows of Transform become batches."""

from __future__ import annotations

import dataclasses

from modules.fitting.values import Given, LoadedRows
from modules.rows import batches
from modules.rows.batches import load_split
from modules.stages import extend

_EVALUATION_ROWS = 128  # of a batch, per replica


def load(given: Given) -> LoadedRows:
    """Reads both splits into memory.

    Args:
        given: with the files.

    Returns:
        The same with their batches, and a training that is planned for as many steps as they make.

    Raises:
        FileNotFoundError: no file matches.
        ValueError: the files hold no row.
    """
    inputs, target, settings = given.inputs, given.target, given.settings
    stream = batches.TrainingStream(
        load_split(given.train_files, inputs, target),
        batch_size=settings.batch_size * given.replicas,
        seed=settings.seed,
        inputs=inputs,
        modality_dropout=settings.modality_dropout,
    )
    evaluation = load_split(given.eval_files, inputs, target)
    return extend(
        dataclasses.replace(given, settings=settings.planned(stream.steps_per_epoch)),
        LoadedRows,
        stream=stream,
        evaluation=batches.evaluation_batches(evaluation, batch_size=_EVALUATION_ROWS * given.replicas),
        evaluation_texts=evaluation.texts,
    )
