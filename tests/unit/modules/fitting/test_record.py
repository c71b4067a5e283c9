"""The last stage of a training: what it came to, beside the model and the logs, and no checkpoints left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from modules.fitting import record as recording
from modules.fitting.build import build
from modules.fitting.decide import decide
from modules.fitting.values import ExportedModel, FittedModel
from modules.stages import extend

import pytest

from tests.unit.training_helpers import ROWS, given, loaded


@pytest.fixture
def exported(transform_settings: dict[str, Any], tmp_path: Path) -> ExportedModel:
    """A training whose model is written, with a checkpoint that is left."""
    built = build(loaded(given(transform_settings, tmp_path / "logs")))
    Path(built.backup_dir).mkdir(parents=True)
    (Path(built.backup_dir) / "ckpt-1.index").touch()
    decided = decide(extend(built, FittedModel, history={"loss": [0.5], "val_macro_f1": [0.75]}))
    return extend(decided, ExportedModel, rebuildable_dir=str(tmp_path / "logs" / "training"))


def test_the_same_record_lies_beside_the_logs_and_the_rebuildable_model(exported: ExportedModel) -> None:
    values = recording.record(exported)
    assert (values["rows"], values["replicas"], values["precision"]) == (ROWS, 1, "float32")
    assert values["warm_start"] is False
    assert values["decision"] is None
    assert values["parameters"] == exported.model.count_params() > 0
    assert values["history"] == {"loss": [0.5], "val_macro_f1": [0.75]}
    for folder in (exported.log_dir, exported.rebuildable_dir):
        assert json.loads((Path(folder) / "history.json").read_text()) == values


def test_the_checkpoints_go_when_all_is_written_and_not_before(
    exported: ExportedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = Path(exported.backup_dir)
    seen = []
    monkeypatch.setattr(
        recording.devices,
        "wait_for_all",
        lambda strategy: seen.append((left.exists(), (Path(exported.rebuildable_dir) / "history.json").is_file())),
    )
    recording.record(exported)
    assert seen == [(True, True)], "another worker may still read its best weights"
    assert not left.exists()


def test_only_the_chief_removes_them_and_the_others_wait_for_its_record(
    exported: ExportedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    awaited: list[str] = []
    monkeypatch.setattr(recording.devices, "is_chief", lambda: False)
    monkeypatch.setattr(recording.devices, "wait_for_chief", awaited.append)
    recording.record(exported)
    assert Path(exported.backup_dir).exists()
    assert awaited == [str(Path(exported.announced_dir).parent / "training" / "history.json")]
