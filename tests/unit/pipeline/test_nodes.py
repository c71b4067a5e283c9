"""`pipeline.nodes`: the table of nodes says what the graph is; a node or an orchestrator of one's own fits in."""

from __future__ import annotations

import functools
import importlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import modules  # noqa: F401

import pytest
import yaml

from pipeline import node, nodes
from pipeline.config import loader
from pipeline.graph import code_digest
from pipeline.history.paths import TaskPaths
from pipeline.kubeflow.compile import compile, preview
from pipeline.kubeflow.compile.checked_target import make_target
from pipeline.kubeflow.contract.specification import Specification
from pipeline.kubeflow.orchestrators import request
from pipeline.local import cache_state, data_files, session
from pipeline.pipeline import Places, create_pipeline
from tests import tiny

TASK = "tests/data/kubeflow/task.yaml"
EVERYTHING = (
    "data.path=data/span-{SPAN}/rows.csv", "data.serving_logs=served/*.jsonl", "trainer.warm_start=true",
)  # fmt: skip
TOY_NODE, TOY_ORCHESTRATOR = "extensions=[tests.toys.node]", "extensions=[tests.toys.orchestrator]"
DESIGN = Path("docs/design.md")


@pytest.fixture(autouse=True)
def in_the_project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)


@functools.cache
def graph(*overrides: str) -> dict[str, Any]:
    """The nodes that this machine would run, by id."""
    config = loader.load(TASK, profile=None, overrides=overrides)
    places = Places("data/*.csv", "root", "push", "schemas/sentiment/schema.pbtxt", config.data.serving_logs or "")
    return {item.id: item for item in create_pipeline(config, places).components}


@pytest.fixture(autouse=True)
def no_extension_is_left() -> Iterator[None]:
    yield
    assert "RowCounter" not in graph()  # loaded in this process, but not by that configuration


@pytest.mark.parametrize("overrides", [(), EVERYTHING, (*EVERYTHING, "tuner.reuse=latest")])
def test_the_table_names_the_nodes_of_the_graph(overrides: tuple[str, ...]) -> None:
    config = loader.load(TASK, profile=None, overrides=overrides)
    assert set(graph(*overrides)) == set(nodes.of(config))


def test_the_table_says_what_each_node_takes_and_gives() -> None:
    for name, component in graph(*EVERYTHING).items():
        row = nodes.rows()[name]
        if name == "Reporter" or not row.cached:
            continue  # the one's inputs are told by the nodes that it reports on, those of look-ups are of earlier runs
        for key, channel in component.inputs.items():
            said = row.inputs[key].split(" | ")
            taken = getattr(channel, "producer_component_id", None)
            assert taken in {item.partition(".")[0] for item in said}, f"{name}.{key}"
            if channel.output_key:
                assert f"{taken}.{channel.output_key}" in said, f"{name}.{key}"
        for key, kind in row.outputs.items():
            assert component.outputs[key].type.__name__ == kind, f"{name}.{key}"


def test_the_gate_against_the_linear_baseline_is_there_unless_it_is_switched_off() -> None:
    off = graph("evaluator.beats_baseline=null")
    for name in ("Evaluator", "TestEvaluator"):
        assert graph()[name].inputs["baseline_evaluation"].producer_component_id == "LinearBaseline"
        assert "baseline_evaluation" not in off[name].inputs


def test_each_cached_node_carries_the_digest_of_its_code() -> None:
    config = loader.load(TASK, profile=None, overrides=EVERYTHING)
    for name, component in graph(*EVERYTHING).items():
        row = nodes.rows()[name]
        if row.cached and row.code:
            assert code_digest.of(config, name) in str(component.exec_properties), name


def test_an_edit_of_the_schema_is_another_node(tmp_path: Path) -> None:
    def content(text: str) -> str:
        (tmp_path / "schema.pbtxt").write_text(text)
        config = loader.load(TASK, profile=None)
        made = create_pipeline(config, Places("d", "r", "p", str(tmp_path / "schema.pbtxt"))).components
        return next(item for item in made if item.id == "ImportSchemaGen").exec_properties["content"]

    assert content("feature { name: 'a' }") != content("feature { name: 'b' }")


def test_every_component_of_the_table_is_there() -> None:
    for row in nodes.NODES:
        module, _, name = row.component.partition(":")
        assert hasattr(importlib.import_module(module), name), row.name


def test_a_node_of_ones_own_is_in_the_graph_and_in_the_report() -> None:
    assert set(graph(TOY_NODE)) - set(graph()) == {"RowCounter"}
    assert "RowCounter" in json.dumps(graph(TOY_NODE)["Reporter"].exec_properties["settings"])
    assert graph(TOY_NODE)["RowCounter"].upstream_nodes == {graph(TOY_NODE)["ExampleGen"]}
    with pytest.raises(loader.ConfigError, match=r"RowCounter\.beam: RowCounter does not run on Beam"):
        loader.load(TASK, profile=None, overrides=[TOY_NODE, "platform.nodes.RowCounter.beam={runner: direct}"])


def test_a_target_without_a_linear_model_has_no_baseline_and_needs_none(tmp_path: Path) -> None:
    values = yaml.safe_load(Path(TASK).read_text())
    del values["labels"]
    values |= {"extensions": ["tests.toys.two_way"], "edge": False, "evaluator": {"thresholds": {"auc": {"min": 0.5}}}}
    values["target"] = {"kind": "two_way", "column": "label", "positive": "positive", "negative": "negative"}
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(values))
    config = loader.load(tmp_path / "task.yaml", profile=None)
    made = {item.id for item in create_pipeline(config, Places("d", "r", "p", config.schema_path)).components}
    assert made == set(nodes.of(config))
    assert "LinearBaseline" not in made
    assert "LinearBaseline" in graph()


def test_a_node_of_ones_own_has_its_settings_on_every_orchestrator() -> None:
    config = loader.load(TASK, profile="kubeflow", overrides=[TOY_NODE, "platform.nodes.RowCounter.cpu=3"])
    target = make_target(config, engine="kubeflow")
    assert "RowCounter" in preview.nodes(config, target)
    found = compile.compile_pipeline(config, target)
    container = found.executor("RowCounter")["container"]
    assert container["resources"]["cpuLimit"] == 3.0
    assert "tests.toys.row_counter.Executor" in container["args"]


def test_a_node_of_ones_own_cannot_take_the_name_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(node.ADDED, "Trainer", node.Node("Trainer", "a:B", ""))
    with pytest.raises(ValueError, match="there is a node named 'Trainer' already"):
        nodes.rows()


@pytest.mark.slow
def test_a_node_of_ones_own_runs_is_told_in_the_summary_and_comes_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An edit of the tree while the run goes on is another digest, rightly; here it would hide what is asked for.
    once = functools.cache(code_digest.digest)
    monkeypatch.setattr(code_digest, "digest", lambda *names, extensions=(): once(*names, extensions=tuple(extensions)))
    task = tiny.make(tmp_path / "task")
    outcome = tiny.run_task(task, TOY_NODE, only="RowCounter")
    assert outcome.error is None, f"{outcome.summary['failed_node']}: {outcome.error}"
    assert sum(outcome.summary["row_counts"].values()) == 400
    config = loader.load(task.config, profile="quick", overrides=[TOY_NODE])
    paths = TaskPaths.of(config, task.root)
    ir = session.compile_task(config, paths, data_files.data_path(config))
    assert cache_state.cache_state(ir, paths.metadata)["RowCounter"] == "cached"


@functools.cache
def in_the_shed() -> Specification:
    config = loader.load(TASK, profile=None, overrides=(TOY_ORCHESTRATOR,))
    target = make_target(config, engine="shed", image="shed/e:1", pipeline_root="/shed/root")
    return compile.compile_pipeline(config, target)


def test_an_orchestrator_of_ones_own_gets_what_it_can_run() -> None:
    executors = in_the_shed().pipeline["deploymentSpec"]["executors"].values()
    assert any("resolver" in item for item in executors)
    assert not any("lifecycle" in item.get("container", {}) for item in executors)
    example_gen = in_the_shed().executor("ExampleGen")["container"]["args"]
    assert json.loads(example_gen[example_gen.index("--edgeline") + 1])["drive"]
    assert in_the_shed().tasks["ExampleGen"]["cachingOptions"] == {}
    assert in_the_shed().tasks["Transform"]["cachingOptions"] == {"enableCache": True}


@pytest.mark.parametrize(
    ("overrides", "options", "expected"),
    [
        ((), {"pipeline_root": "/elsewhere"}, "for shed use gs://, or a path under platform.volumes"),
        (("platform.secrets=[{name: a, key: b, env: C}]",), {}, "the shed has no lock"),
        (("platform.nodes.LatestBlessedModelResolver.cpu=1",), {}, "on shed this node has no container"),
    ],
)
def test_what_an_orchestrator_of_ones_own_cannot_do_is_one_clear_line(
    overrides: tuple[str, ...], options: dict[str, str], expected: str
) -> None:
    config = loader.load(TASK, profile=None, overrides=(TOY_ORCHESTRATOR, *overrides))
    with pytest.raises(loader.ConfigError, match=re.escape(expected)):
        make_target(config, **{"engine": "shed", "image": "shed/e:1", "pipeline_root": "/shed/root", **options})


def test_an_option_of_another_orchestrator_is_refused() -> None:
    config = loader.load(TASK, profile=None, overrides=(TOY_ORCHESTRATOR,))
    target = make_target(config, engine="shed", image="shed/e:1", pipeline_root="/shed/root")
    with pytest.raises(loader.ConfigError, match="--host is for --engine kubeflow"):
        request.make(config, target, {}, {"host": "http://kfp"})


def markdown() -> str:
    """The table of docs/design.md."""
    head = "| Node | What it does | Takes from | On Beam | Cached | GPU | Leaves | In `summary.json` | In the report |"
    lines = [head, "|---" * 9 + "|"]
    for row in nodes.NODES:
        takes = sorted({part.partition(".")[0] for text in row.inputs.values() for part in text.split(" | ")})
        if row.name == "Reporter":
            takes = ["all of them"]
        flags = ["yes" if flag else "" for flag in (row.beam, row.cached, row.gpu)]
        code = [" ".join(f"`{item}`" for item in items) for items in (row.files, row.summary, row.report)]
        lines.append(f"| {' | '.join([row.name, row.does, ', '.join(takes), *flags, *code])} |")
    return re.sub(r" +\|", " |", "\n".join(lines)) + "\n"


def test_the_table_of_the_documentation_is_this_one() -> None:
    """`make golden` writes it anew."""
    begin, end = "<!-- pipeline/nodes.py -->\n", "<!-- end -->\n"
    before, _, rest = DESIGN.read_text(encoding="utf-8").partition(begin)
    table, _, after = rest.partition(end)
    if os.environ.get("EDGELINE_UPDATE_GOLDEN"):
        DESIGN.write_text(before + begin + markdown() + end + after, encoding="utf-8")
    assert markdown() == (table if not os.environ.get("EDGELINE_UPDATE_GOLDEN") else markdown())
