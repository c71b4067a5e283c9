"""What a configuration may ask of several inputs, of rows that lack one, and of a task without a text."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.loader import ConfigError, dump, load

TASK = """
task: alarms
schema_path: schema.pbtxt
data: {path: rows.csv}
target: {kind: one_label, column: alarm, labels: [no_alarm, alarm]}
inputs:
"""
TEXT = "  note: {kind: text, column: note, sequence_length: 32, backbone: {kind: minilm}}\n"
TABLE = "  level: {kind: number, column: level}\n  track: {kind: vector, column: track, channels: 2, steps: 9}\n"


def write(folder: Path, inputs: str) -> Path:
    (folder / "a.yaml").write_text(TASK + inputs)
    return folder / "a.yaml"


def test_a_fusion_and_a_modality_dropout_are_for_several_inputs(tmp_path: Path) -> None:
    config = load(write(tmp_path, TEXT + TABLE), overrides=["trainer.fusion=gated", "trainer.modality_dropout=0.1"])
    assert (config.trainer.fusion, config.pruner.modality_dropout) == ("gated", 0.1)
    assert load(tmp_path / "a.yaml").pruner.modality_dropout is None
    own = load(tmp_path / "a.yaml", overrides=["trainer.modality_dropout=0.1", "pruner.modality_dropout=0.0"])
    assert own.pruner.modality_dropout == 0.0
    with pytest.raises(ConfigError, match=r"trainer\.fusion: gate is none of the ways of fusing.*Did you mean `gated`"):
        load(tmp_path / "a.yaml", overrides=["trainer.fusion=gate"])
    alone = write(tmp_path, TEXT)
    for setting in ("trainer.fusion=attention", "trainer.modality_dropout=0.2"):
        with pytest.raises(ConfigError, match="there is one input"):
            load(alone, overrides=[setting])


def test_an_input_that_knows_no_missing_value_is_not_left_out(tmp_path: Path) -> None:
    letters = "  letters: {kind: letter_count, column: title}\n"
    own = ["extensions=[tests.toys.letter_count]", "edge=false"]
    path = write(tmp_path, TEXT + letters)
    assert load(path, overrides=own).inputs["letters"].may_lack is False
    with pytest.raises(ConfigError, match=r"inputs\.letters\) does not say what a row without a value is"):
        load(path, overrides=[*own, "trainer.modality_dropout=0.2"])


def test_an_optional_text_needs_another_input_and_is_nobodys_identity(tmp_path: Path) -> None:
    optional = TEXT.replace("sequence_length", "optional: true, sequence_length")
    config = load(write(tmp_path, optional + TABLE))
    from modules.inputs import kinds

    assert kinds.identity_column(config.inputs) == ""
    assert kinds.table(config.inputs) == {
        "note": "optional text", "level": "optional number", "track": "optional readings 18"
    }  # fmt: skip
    for setting in ("data.cleaning.near_duplicates=0.9", "data.augmentation.share=1"):
        with pytest.raises(ConfigError, match=r"is for texts, and rows may lack that of inputs\.note"):
            load(tmp_path / "a.yaml", overrides=[setting])
    with pytest.raises(ConfigError, match=r"inputs\.note\.optional: there is no other input"):
        load(write(tmp_path, optional))


def test_without_a_backbone_a_bundle_need_not_be_many_times_smaller(tmp_path: Path) -> None:
    path = write(tmp_path, TABLE)
    config = load(path)
    gate = config.edge_evaluator.gate
    assert (gate.min_size_ratio, gate.min_latency_ratio, gate.max_accuracy_drop) == (None, None, 0.01)
    assert config.pruner.pruning.pattern == "none"
    asked = load(path, overrides=["edge_evaluator.gate.min_size_ratio=2", "edge_evaluator.gate.max_accuracy_drop=0.05"])
    assert (asked.edge_evaluator.gate.min_size_ratio, asked.edge_evaluator.gate.max_accuracy_drop) == (2, 0.05)
    (tmp_path / "b.yaml").write_text(dump(config))
    assert load(tmp_path / "b.yaml") == config
    own = ["pruner.pruning.pattern=unstructured", "pruner.pruning.targets=[input/*]"]
    assert load(path, overrides=own).pruner.pruning.targets == ["input/*"]
    with pytest.raises(ConfigError, match=r"pruner\.pruning\.targets: 'layer_\*/attention/\*' is of a backbone"):
        load(path, overrides=own[:1])
    with pytest.raises(ConfigError, match=r"pruner\.augmentation\.copies"):
        load(path, overrides=["pruner.augmentation.copies=1"])
    assert load(write(tmp_path, TEXT + TABLE)).edge_evaluator.gate.min_size_ratio == 12
