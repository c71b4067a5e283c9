"""From YAML to a node: what a node is told is the typed object that the loader made, and nothing that it needs not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from modules import preprocessing, trainer, tuner
from modules.entry_settings import TrainerNodeSettings
from modules.training.settings import TrainerSettings

import pytest
from tfx import types
from tfx.types import standard_artifacts

from pipeline.config import loader
from pipeline.graph import rows, training
from pipeline.graph.engines import LOCAL
from tests import tiny

CustomConfig = Callable[..., dict[str, Any]]


class ReachedError(Exception):
    """Carries what an entry point has made of its settings."""


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> tiny.TinyTask:
    return tiny.make(tmp_path_factory.mktemp("tiny"), rows=4)


@pytest.fixture
def custom_config(task: tiny.TinyTask) -> CustomConfig:
    """The execution property of a node, as the metadata store would hold it, after JSON."""
    features = SimpleNamespace(
        outputs={
            "transformed_examples": types.Channel(type=standard_artifacts.Examples),
            "transform_graph": types.Channel(type=standard_artifacts.TransformGraph),
        }
    )
    examples, schema = (types.Channel(type=kind) for kind in (standard_artifacts.Examples, standard_artifacts.Schema))

    def read(node: str, *overrides: str) -> dict[str, Any]:
        config = loader.load(task.config, overrides=overrides)
        made = {
            "Transform": lambda: rows.transform(config, examples, schema),
            "Trainer": lambda: training.trainer(config, features, [], [], None),
            "Tuner": lambda: training.hyperparameters(config, features, LOCAL)[0],
        }[node]()
        return json.loads(made.spec.exec_properties["custom_config"])

    return read


def test_epochs_from_yaml_reach_run_fn_as_a_typed_attribute(
    task: tiny.TinyTask, custom_config: CustomConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reached(settings: TrainerSettings, tuned: Any) -> Any:
        raise ReachedError(settings)

    monkeypatch.setattr(trainer.hyperparameters, "resolve", reached)
    told = custom_config("Trainer", "trainer.epochs=7")
    with pytest.raises(ReachedError) as caught:
        trainer.run_fn(SimpleNamespace(custom_config=told, hyperparameters=None))
    [settings] = caught.value.args
    assert settings == loader.load(task.config, overrides=["trainer.epochs=7"]).trainer
    assert (type(settings), settings.epochs) == (TrainerSettings, 7)


def test_a_value_that_a_run_replaces_is_judged_by_the_same_bounds(custom_config: CustomConfig) -> None:
    """Kubeflow writes a parameter into the JSON, as a float at times."""
    told = custom_config("Trainer")
    told["trainer"]["epochs"] = 4.0
    assert TrainerNodeSettings.from_values(told).trainer.epochs == 4
    told["trainer"]["epochs"] = 0
    with pytest.raises(ValueError, match=r"trainer.epochs\n.*greater than or equal to 1"):
        TrainerNodeSettings.from_values(told)


COMMON = {"inputs", "target", "vocabulary", "code", "extensions"}


@pytest.mark.parametrize(
    ("node", "fields"),
    [("Transform", COMMON), ("Trainer", COMMON | {"trainer"}), ("Tuner", COMMON | {"trainer", "tuner"})],
)
def test_a_node_is_told_only_what_it_depends_on(custom_config: CustomConfig, node: str, fields: set[str]) -> None:
    usual = custom_config(node)
    assert set(usual) == fields
    assert set(usual["inputs"]["text"]) == {
        *("kind", "column", "optional", "sequence_length", "long_text", "max_windows", "backbone"),
    }
    others = ("edge_evaluator.gate.max_bytes=1", "pruner.epochs=9", "pusher.keep_versions=2", "data.train_fraction=0.5")
    assert custom_config(node, *others) == usual
    assert custom_config(node, "preprocessing.sequence_length=23") != usual
    assert custom_config(node, "preprocessing.long_text=head_tail") != usual


@pytest.mark.parametrize("node", ["Transform", "Trainer", "Tuner"])
def test_a_node_imports_the_extensions_of_the_configuration_first(
    custom_config: CustomConfig, node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"kinds_of_{node.lower()}"
    (tmp_path / f"{name}.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    told = custom_config(node, f"extensions=[{name}]")
    assert sys.modules.pop(name), "the loader has imported it"
    told["code"] = []  # no digest, so that nothing more happens
    entry = {
        "Transform": lambda: preprocessing.preprocessing_fn({}, told),
        "Trainer": lambda: trainer.run_fn(SimpleNamespace(custom_config=told, hyperparameters=None)),
        "Tuner": lambda: tuner.tuner_fn(SimpleNamespace(custom_config=told)),
    }[node]
    with pytest.raises(ValueError, match="code"):
        entry()
    assert name in sys.modules
