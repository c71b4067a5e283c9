"""`modules.rows.raw`: ExampleGen's output as plain Python values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.rows.raw import read_raw_split
from modules.targets.one_label.target import OneLabel

import numpy as np
import pytest

TARGET = OneLabel(labels=["bad", "good"])


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
