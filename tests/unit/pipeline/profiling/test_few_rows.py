"""A file with few rows a label is drafted for them: a fitted head, all layers, and more of the rows to judge by."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import loader
from pipeline.profiling import draft
from pipeline.profiling.profile import profile
from pipeline.profiling.sections import encoders, few_rows


def write(path: Path, each: int) -> Path:
    rows = [f"the {kind} was really {kind} and so on number {number},{kind}\n"
            for number in range(each) for kind in ("film", "song", "plot")]  # fmt: skip
    path.write_text("text,label\n" + "".join(rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["quick", "full"])
def test_sixteen_rows_a_label_get_a_fitted_head_and_all_layers(name: str, tmp_path: Path) -> None:
    config_path, schema_path = draft.paths("a", tmp_path)
    draft.write(profile(write(tmp_path / "a.csv", 16)), "a", config_path, schema_path, overwrite=False)
    config = loader.load(config_path, profile=name)
    assert (config.trainer.probe, config.trainer.epochs, config.trainer.batch_size) == ("first", "auto", 8)
    assert config.backbone.model_dump()["layers"] == [0, 1, 2, 3, 4, 5]
    assert (config.data.splits.train, config.data.splits.eval, config.data.splits.test) == (6, 2, 2)
    assert config.pruner.augmentation.copies > 0
    assert not config.pruner.student.trim_vocabulary, "most words of a language stand in none of so few rows"


def test_many_rows_a_label_are_drafted_as_before(tmp_path: Path) -> None:
    found = profile(write(tmp_path / "a.csv", 100))
    config_path, schema_path = draft.paths("a", tmp_path)
    draft.write(found, "a", config_path, schema_path, overwrite=False)
    config = loader.load(config_path, profile="quick")
    assert config.trainer.probe == "none"
    assert config.data.splits.eval == 1
    assert config.backbone.model_dump()["layers"] == [0, 2, 5]


def test_an_encoder_that_knows_nothing_has_no_vectors_to_fit_a_head_to() -> None:
    assert few_rows.are({"a": 16, "b": 16}, encoders.MINILM)
    assert few_rows.are({"a": 16, "b": 16}, encoders.MULTILINGUAL)
    assert not few_rows.are({"a": 16, "b": 16}, encoders.SCRATCH)
    assert few_rows.share("train", few=True) == pytest.approx(0.6)
    assert few_rows.share("train", few=False) == pytest.approx(0.8)
    assert not few_rows.are({}, encoders.MINILM)
