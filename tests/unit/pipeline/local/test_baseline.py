"""`pipeline.local.baseline`: before the training it is said that the latest blessed model cannot be compared with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import modules  # noqa: F401

import pytest
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2

from pipeline.config.loader import ConfigError
from pipeline.config.task import Config
from pipeline.local.baseline import look_ahead


@pytest.fixture
def connection(tmp_path: Path) -> Any:
    """A store in which Evaluator blessed a model of two labels."""
    found = metadata_store_pb2.ConnectionConfig()
    found.sqlite.filename_uri = str(tmp_path / "metadata.db")
    store = metadata_store.MetadataStore(found)
    (tmp_path / "model" / "training").mkdir(parents=True)
    (tmp_path / "model" / "training" / "labels.json").write_text(json.dumps(["bad", "good"]))
    model = metadata_store_pb2.Artifact(uri=str(tmp_path / "model"))
    model.type_id = store.put_artifact_type(metadata_store_pb2.ArtifactType(name="Model"))
    [number] = store.put_artifacts([model])
    blessing = metadata_store_pb2.Artifact()
    blessing.type_id = store.put_artifact_type(metadata_store_pb2.ArtifactType(name="ModelBlessing"))
    blessing.custom_properties["blessed"].int_value = 1
    blessing.custom_properties["current_model_id"].int_value = number
    execution = metadata_store_pb2.Execution(last_known_state=metadata_store_pb2.Execution.COMPLETE)
    execution.type_id = store.put_execution_type(metadata_store_pb2.ExecutionType(name="x.Evaluator"))
    node = metadata_store_pb2.Context(name="p.Evaluator")
    node.type_id = store.put_context_type(metadata_store_pb2.ContextType(name="node"))
    output = metadata_store_pb2.Event(type=metadata_store_pb2.Event.OUTPUT)
    store.put_execution(execution, [(blessing, output)], [node])
    return found


def config(labels: list[str], other_labels: str = "not_compared", **trainer: Any) -> Config:
    return Config.model_validate(
        {
            "task": "a", "labels": labels, "schema_path": "s", "data": {"dataset": "vader"},
            "evaluator": {"other_labels": other_labels}, "trainer": trainer,
        }
    )  # fmt: skip


def test_the_same_labels_need_no_word(connection: Any) -> None:
    assert look_ahead(config(["bad", "good"], "refused"), connection) == ""


def test_other_labels_are_told_and_can_be_refused(connection: Any) -> None:
    said = look_ahead(config(["bad", "good", "mixed"]), connection)
    assert "cannot be compared with: it has other labels: bad, good instead of bad, good, mixed" in said
    with pytest.raises(ConfigError, match=r"evaluator\.other_labels: refused.*not_compared"):
        look_ahead(config(["bad", "good", "mixed"], "refused"), connection)


def test_the_labels_that_both_know_are_told_and_where_they_are_too_few_the_obstacle_is(connection: Any) -> None:
    said = look_ahead(config(["mixed", "good", "bad"], "shared"), connection)
    assert "it is compared on the rows of eval of those shared: good, bad." in said
    assert "cannot be compared with" in look_ahead(config(["mixed", "good"], "shared"), connection)
    assert look_ahead(config(["bad", "good"], "shared"), connection) == ""


def test_a_blessed_model_that_is_gone_is_told_and_nothing_to_refuse(connection: Any, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "model")
    assert "model is gone" in look_ahead(config(["bad", "good"], "refused"), connection)


def test_a_task_that_never_ran_needs_no_word(tmp_path: Path) -> None:
    empty = metadata_store_pb2.ConnectionConfig()
    empty.sqlite.filename_uri = str(tmp_path / "new.db")
    empty.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    assert look_ahead(config(["bad", "good"], "refused"), empty) == ""


def test_a_training_that_would_begin_from_a_model_of_other_labels_is_refused_before_it(connection: Any) -> None:
    with pytest.raises(ConfigError, match=r"trainer\.warm_start: .* other labels: .* Set trainer\.warm_start to false"):
        look_ahead(config(["bad", "good", "mixed"], warm_start=True), connection)
    assert look_ahead(config(["bad", "good"], warm_start=True), connection) == ""
