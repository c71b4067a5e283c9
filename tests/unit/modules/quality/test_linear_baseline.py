"""`modules.quality.linear_baseline`, `modules.rows.raw`: the model to beat, trained on the rows that Trainer gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.quality.linear_baseline import linear_baseline
from modules.rows.raw import RawSplit, read_raw_split
from modules.targets.one_label.target import OneLabel

import numpy as np
import pytest

TARGET = OneLabel(labels=["bad", "good"])
GOOD, BAD = ["a great film", "great fun", "so great"], ["an awful film", "awful stuff", "so awful"]


def split(texts: list[str], labels: list[int]) -> RawSplit:
    return RawSplit(texts, np.array(labels), {"source": ["web"] * len(texts)})


def test_the_baseline_learns_and_is_scored_on_every_split_but_train() -> None:
    train = split((GOOD + BAD) * 2, ([1] * 3 + [0] * 3) * 2)
    result = linear_baseline(
        {"train": train, "eval": split(["great", "awful"], [1, 0]), "test": split(["awful"], [1])},
        num_classes=2,
        seed=1,
    )
    assert (result["rows"], set(result["splits"])) == (12, {"eval", "test"})
    assert result["splits"]["eval"]["accuracy"] == 1.0
    assert result["splits"]["test"]["accuracy"] == 0.0
    assert result["splits"]["eval"]["slices"]["source:web"]["rows"] == 2
    assert result["seconds"] >= 0


def test_the_baseline_gives_the_same_result_each_time() -> None:
    splits = {"train": split(GOOD * 3 + BAD * 3, [1] * 9 + [0] * 9), "eval": split(["film", "so"], [1, 0])}
    one, other = (linear_baseline(splits, num_classes=2, seed=1)["splits"] for _ in range(2))
    assert one == other


# Reading raw examples


@pytest.fixture
def files(tmp_path: Path, write_examples: Callable[..., Any]) -> str:
    rows = [
        {"text": ["schön".encode()], "label": [b"good"], "source": [b"web"], "text_hash": [b"1"]},
        {"text": [b"bad"], "label": [b"bad"], "source": [b""], "text_hash": [b"2"]},
    ]
    write_examples(tmp_path / "b.gz", rows[1:])
    write_examples(tmp_path / "a.gz", rows[:1])
    return f"{tmp_path}/*.gz"


COLUMNS: dict[str, Any] = {"text": "text", "target": TARGET, "slices": ["source"]}


def test_raw_examples_are_read_in_file_order(files: str) -> None:
    found = read_raw_split([files], **COLUMNS)
    assert found.texts == ["schön", "bad"]
    assert found.labels.tolist() == [1, 0]
    assert found.labels.dtype == np.int64
    assert found.slices == {"source": ["web", ""]}


def test_a_label_that_the_configuration_does_not_name_is_an_error(files: str) -> None:
    with pytest.raises(ValueError, match="labels that the configuration does not name: good"):
        read_raw_split([files], **{**COLUMNS, "target": OneLabel(labels=["bad", "fine"])})


def test_missing_files_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="did ExampleGen run"):
        read_raw_split([f"{tmp_path}/*"], **COLUMNS)
