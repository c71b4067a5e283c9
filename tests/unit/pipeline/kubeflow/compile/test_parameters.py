"""`pipeline.kubeflow.compile.parameters`: where a parameter goes is read from the table of nodes alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import modules  # noqa: F401

import pytest

from pipeline import node
from pipeline.config import loader
from pipeline.kubeflow.compile.checked_target import make_target
from pipeline.kubeflow.compile.parameters import parameters
from pipeline.kubeflow.contract.bindings import Binding
from pipeline.node import Taken
from tests.unit.pipeline import renamed_nodes

TASK = "tests/data/kubeflow/task.yaml"
DATA = "gs://data/span-{SPAN}/rows.csv"
SPANS = (f"data.path={DATA}", "trainer.warm_start=true")
# Every node that a parameter of either engine decides something in.
NAMES = {
    "ExampleGen": "Reader", "ImportSchemaGen": "Curated", "PreviousStatisticsResolver": "Earlier",
    "ExampleValidator": "Doorman", "Tuner": "Searcher", "WarmStartResolver": "Warm", "Trainer": "Learner",
    "LatestBlessedModelResolver": "Blessed", "Evaluator": "Judge", "ModelCard": "Card", "Pusher": "Mover",
    "RegistryPusher": "Registrar", "EdgeEvaluator": "EdgeJudge", "EdgePusher": "EdgeMover", "Reporter": "Teller",
    "LatestHyperparametersResolver": "Lucky",
}  # fmt: skip


@pytest.fixture(autouse=True)
def in_the_project(repository: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)


def places(config: Any, engine: str) -> dict[str, dict[str, tuple[Any, ...]]]:
    """By parameter and node; a place that only the compiled settings tell is None."""
    found = parameters(config, make_target(config, engine=engine))
    return {
        item.name: {
            name: tuple(place if isinstance(place, Binding) else None for place in where)
            for name, where in item.places.items()
        }
        for item in found
    }


@pytest.mark.parametrize(
    ("engine", "overrides"), [("kubeflow", SPANS), ("kubeflow", ("tuner.reuse=latest",)), ("vertex", SPANS)]
)
def test_nodes_of_other_names_get_the_same_parameters(
    engine: str, overrides: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = loader.load(TASK, profile=engine, overrides=overrides)
    target = make_target(config, engine=engine)
    before = {item.name: item for item in parameters(config, target)}
    reached = {name for item in before.values() for name in item.places}
    assert {"ExampleGen", "Trainer", "Evaluator", "EdgeEvaluator", "EdgePusher", "Reporter"} <= reached <= set(NAMES)
    renamed_nodes.rename(monkeypatch, **NAMES)
    after = {item.name: item for item in parameters(config, target)}
    assert set(after) == set(before)
    for name, item in before.items():
        assert set(after[name].places) == {NAMES[node_] for node_ in item.places}, name
        for node_, where in item.places.items():
            for one, other in zip(where, after[name].places[NAMES[node_]], strict=True):
                assert one == other or not isinstance(one, Binding), name


def test_a_node_of_ones_own_takes_a_parameter_by_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    config = loader.load(TASK, profile="kubeflow", overrides=["extensions=[tests.toys.node]"])
    assert "RowCounter" not in places(config, "kubeflow")["epochs"]
    own: Mapping[str, tuple[Taken, ...]] = {
        "epochs": (Taken("settings", "/passes"),),
        "push_root": (Taken("settings", "/folder", form="{}/counts", when=lambda config, job: config.data.has_spans),),
    }
    monkeypatch.setitem(node.ADDED, "RowCounter", dataclasses.replace(node.ADDED["RowCounter"], takes=own))
    found = places(config, "kubeflow")
    assert found["epochs"]["RowCounter"] == (Binding("epochs", "settings", "/passes"),)
    assert "RowCounter" not in found["push_root"]
    spans = loader.load(TASK, profile="kubeflow", overrides=["extensions=[tests.toys.node]", SPANS[0]])
    [place] = places(spans, "kubeflow")["push_root"]["RowCounter"]
    assert place.value("gs://models") == "gs://models/counts"


def test_a_query_has_no_settings_that_a_parameter_could_reach() -> None:
    """Vertex AI runs TFX's own; on Kubeflow a container looks into the push folder."""
    config = loader.load(TASK, profile="kubeflow", overrides=SPANS)
    looked_up = {"LatestBlessedModelResolver", "WarmStartResolver"}
    assert looked_up <= set(places(config, "kubeflow")["push_root"])
    on_vertex = loader.load(TASK, profile="vertex", overrides=SPANS)
    assert not looked_up & set(places(on_vertex, "vertex")["push_root"])
