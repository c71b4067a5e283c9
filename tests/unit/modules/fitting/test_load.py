"""The first stage of a training: the files of Transform become batches."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from modules.fitting.load import load

import numpy as np
import pytest

from tests.unit.training_helpers import ROWS, STEPS, examples, given


def test_both_splits_are_read_and_batched_for_all_replicas(
    transform_settings: dict[str, Any], tmp_path: Path, write_examples: Any
) -> None:
    features, labels = examples()
    rows = [
        {"token_ids": ids.tolist(), "padding_mask": mask.tolist(), "label_id": [int(label)]}
        for ids, mask, label in zip(features["token_ids"], features["padding_mask"], labels, strict=True)
    ]
    value = given(transform_settings, tmp_path)
    write_examples(Path(value.train_files[0]), rows)
    write_examples(Path(value.eval_files[0]), rows[:9])
    loaded = load(value)
    assert (loaded.stream.rows, loaded.stream.steps_per_epoch) == (ROWS, STEPS)
    [(held_out, answers)] = list(loaded.evaluation)
    np.testing.assert_array_equal(np.sort(answers.numpy().ravel()), np.sort(labels[:9]))
    assert held_out["token_ids"].shape[0] == 9
    assert {field.name: getattr(loaded, field.name) for field in dataclasses.fields(value)} == vars(value)


def test_files_that_are_not_there_are_told(transform_settings: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no transformed examples match .*train\.gz; did Transform run\?"):
        load(given(transform_settings, tmp_path))
