"""The executor of specifications: order, look-ups, importers, conditions, commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config.loader import ConfigError
from pipeline.kubeflow.contract import lint, specification
from pipeline.kubeflow.contract.specification import Specification
from pipeline.kubeflow.execution import conditions, processes, run, run_parameters
from pipeline.kubeflow.execution.artifacts import Artifacts, QueryError
from pipeline.kubeflow.orchestrators.base import compiled_for, orchestrator

MODEL, BLESSING = "title: tfx.Model\ntype: object\n", "title: tfx.ModelBlessing\ntype: object\n"
# A container that reports an output artifact's metadata, as TFX's entry point does.
REPORT = """
import json, sys
given = json.loads(sys.argv[1])
output = {"artifacts": {k: {"artifacts": [{"uri": v["artifacts"][0]["uri"], "metadata": json.loads(sys.argv[2])}]}
                        for k, v in given["outputs"]["artifacts"].items()}, "parameterValues": {"score": 0.5}}
json.dump(output, open(given["outputs"]["outputFile"], "w"))
print("inputs", sorted(given["inputs"]["artifacts"]), given["inputs"].get("parameterValues"))
"""


def container(metadata: str = "{}") -> dict[str, Any]:
    return {"container": {"image": "i", "command": [sys.executable, "-c", REPORT], "args": ["{{$}}", metadata]}}


def made(tasks: dict[str, dict[str, Any]], executors: dict[str, Any], **inputs: Any) -> Specification:
    components = {
        name: {
            "executorLabel": name,
            "outputDefinitions": {"artifacts": {"out": {"artifactType": {"instanceSchema": MODEL}}},
                                  "parameters": {"score": {}} if "container" in executors[name] else {}},
        }
        for name in tasks
    }  # fmt: skip
    return Specification({
        "pipelineInfo": {"name": "p"}, "schemaVersion": "2.1.0", "components": components,
        "deploymentSpec": {"executors": executors},
        "root": {
            "dag": {"tasks": {name: {"componentRef": {"name": name}, **task} for name, task in tasks.items()}},
            "inputDefinitions": {"parameters": inputs},
        },
    })  # fmt: skip


def reads(producer: str, key: str = "in") -> dict[str, Any]:
    source = {"producerTask": producer, "outputArtifactKey": "out"}
    return {"inputs": {"artifacts": {key: {"taskOutputArtifact": source}}}, "dependentTasks": [producer]}


def test_tasks_run_after_what_they_need_and_see_its_artifacts(tmp_path: Path) -> None:
    spec = made({"B": reads("A"), "A": {}}, {"A": container('{"span": 3}'), "B": container()})
    done = run.execute(spec, tmp_path, {})
    assert list(done.states) == ["A", "B"]
    assert done.artifacts["A"]["out"][0].metadata == {"span": 3}
    assert "inputs ['in']" in next((tmp_path / "runs").glob("*/B/log.txt")).read_text()


def test_a_failure_ends_the_run_and_shows_the_end_of_the_log(tmp_path: Path) -> None:
    broken = {"container": {"image": "i", "command": ["python", "-c"], "args": ["print('why'); raise SystemExit(4)"]}}
    spec = made({"A": {}, "B": reads("A")}, {"A": broken, "B": container()})
    with pytest.raises(run.TaskError, match=r"A failed with exit code 4.*\nwhy"):
        run.execute(spec, tmp_path, {})
    assert not list((tmp_path / "runs").glob("*/B"))


def test_a_condition_that_does_not_hold_skips_the_task_and_all_that_need_it(tmp_path: Path) -> None:
    condition = "inputs.artifacts['in'].artifacts[0].metadata['blessed'] == 1.0"
    tasks = {"A": {}, "B": {**reads("A"), "triggerPolicy": {"condition": condition}}, "C": reads("B")}
    for blessed, expected in ((1, "executed"), (0, "skipped")):
        executors = {"A": container(f'{{"blessed": {blessed}}}'), "B": container(), "C": container()}
        states = run.execute(made(tasks, executors), tmp_path / str(blessed), {}).states
        assert states == {"A": "executed", "B": expected, "C": expected}


def test_an_importer_takes_a_parameter_and_imports_a_uri_once(tmp_path: Path) -> None:
    tasks = {"A": {"inputs": {"parameters": {"uri": {"componentInputParameter": "model"}}}}, "B": reads("A")}
    importer = {"importer": {"artifactUri": {"runtimeParameter": "uri"}, "typeSchema": {"instanceSchema": MODEL},
                             "metadata": {"x": "y"}}}  # fmt: skip
    spec = made(tasks, {"A": importer, "B": container()}, model={"parameterType": "STRING"})
    first = run.execute(spec, tmp_path, {"model": "gs://b/m"})
    again = run.execute(spec, tmp_path, {"model": "gs://b/m"})
    assert first.states["A"] == "imported"
    assert first.artifacts["A"]["out"] == again.artifacts["A"]["out"]
    assert again.artifacts["A"]["out"][0].uri == "gs://b/m"


def test_a_resolver_finds_the_newest_artifact_of_earlier_runs(tmp_path: Path) -> None:
    query = 'schema_title="tfx.Model" AND state=LIVE AND metadata.tag.string_value="x"'
    resolver = {"resolver": {"outputArtifactQueries": {"out": {"filter": query}}}}
    spec = made({"A": {}, "R": {}, "S": reads("R")}, {"A": container('{"tag": "x"}'), "R": resolver, "S": container()})
    first = run.execute(spec, tmp_path, {}, until="S")
    assert first.artifacts["R"]["out"] == []
    made_then = run.execute(spec, tmp_path, {}).artifacts["A"]["out"]
    found = run.execute(spec, tmp_path, {}, until="S")
    assert found.artifacts["R"]["out"] == made_then
    assert "A" not in found.states


def test_output_parameters_reach_the_next_task(tmp_path: Path) -> None:
    source = {"taskOutputParameter": {"producerTask": "A", "outputParameterKey": "score"}}
    spec = made({"A": {}, "B": {"inputs": {"parameters": {"s": source}}}}, {"A": container(), "B": container()})
    run.execute(spec, tmp_path, {})
    assert "{'s': 0.5}" in next((tmp_path / "runs").glob("*/B/log.txt")).read_text()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('schema_title="tfx.Model" AND state=LIVE', "new"),
        ('schema_title="tfx.Model" AND metadata.blessed.number_value=1', "old"),
        ('schema_title="tfx.ModelBlessing"', None),
        ('metadata.who.string_value="me AND you"', "old"),
    ],
)
def test_queries_filter_by_title_state_and_metadata(tmp_path: Path, query: str, expected: str | None) -> None:
    store = Artifacts(tmp_path / "store.jsonl")
    store.add(MODEL, "old", {"blessed": 1.0, "who": "me AND you"})
    store.add(MODEL, "new", {"blessed": 0.0})
    found = Artifacts(tmp_path / "store.jsonl").latest(query)  # read again, as the next run does
    assert (found.uri if found else None) == expected
    by_name = store.latest(f'name="{found.name}"') if found else None
    assert by_name == found


@pytest.mark.parametrize("query", ["in_context(a)", 'uri LIKE "x"', "owner=me"])
def test_a_query_that_is_not_understood_is_an_error(tmp_path: Path, query: str) -> None:
    store = Artifacts(tmp_path / "store.jsonl")
    store.add(MODEL, "a", {})
    with pytest.raises(QueryError):
        store.latest(query)


GIVEN = {"inputs": {"artifacts": {"m": {"artifacts": [{"uri": "gs://a", "metadata": {"ok": 1.0}}]}},
                    "parameterValues": {"n": 3.0, "word": "a && b"}}}  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("(inputs.artifacts['m'].artifacts[0].metadata['ok'] == 1.0)", True),
        ("!((inputs.artifacts['m'].artifacts[0].metadata['ok'] == 1.0))", False),
        ("(inputs.artifacts['m'].artifacts[0].uri + '/x') == 'gs://a/x'", True),
        ("inputs.parameter_values['n'] > 2.0 && inputs.parameter_values['word'] != 'a'", True),
        ("inputs.parameter_values['word'] == 'a && b' || false", True),
        ("inputs.parameter_values['n'] < -1.0", False),
    ],
)
def test_conditions(condition: str, expected: bool) -> None:
    assert conditions.holds(condition, GIVEN) is expected


@pytest.mark.parametrize("condition", ["__import__('os')", "inputs.artifacts['x'] == 1", "1 +", "[1][0] in [1]"])
def test_a_condition_that_is_not_understood_is_an_error(condition: str) -> None:
    with pytest.raises(conditions.ConditionError):
        conditions.holds(condition, GIVEN)


def test_a_dangling_producer_is_found(tmp_path: Path) -> None:
    spec = made({"A": {}, "B": reads("A_task")}, {"A": container(), "B": container()})
    with pytest.raises(lint.SpecificationError, match="B waits for A_task, which is no task of this pipeline"):
        lint.check(spec)
    with pytest.raises(lint.SpecificationError, match="wait for each other: A, B"):
        lint.check(made({"A": reads("B"), "B": reads("A")}, {"A": container(), "B": container()}))
    spec = made({"A": {}, "B": reads("A")}, {"A": container(), "B": container()})
    spec.component("A")["outputDefinitions"] = {}
    with pytest.raises(lint.SpecificationError, match=r"B\.in: A has no output out"):
        lint.check(spec)


def test_open_source_kubeflow_gets_no_resolver_and_no_hook() -> None:
    hooked = {"container": {**container()["container"], "lifecycle": {"preCacheCheck": {"command": ["a"]}}}}
    spec = made({"A": {}, "R": {}}, {"A": hooked, "R": {"resolver": {"outputArtifactQueries": {}}}})
    with pytest.raises(lint.SpecificationError, match=r"(?s)A: .*lifecycle hooks.*R: .*resolvers"):
        lint.check(spec, orchestrator("kubeflow").lacks)
    assert compiled_for(spec).name == "vertex"


def test_a_fork_has_state_of_its_own_and_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.kubeflow.container import main as entry_point

    def fake(arguments: list[str]) -> None:
        print("said", arguments)
        if arguments == ["fail"]:
            raise ValueError("no")

    monkeypatch.setattr(entry_point, "main", fake)
    command = ["python", "-m", "pipeline.kubeflow.container.main"]
    assert processes.in_fork([*command, "a"], tmp_path / "log", {}) == 0
    assert processes.in_fork([*command, "fail"], tmp_path / "log", {}) == 1
    assert processes.in_fork(["python", "-c", "print('other')"], tmp_path / "log", {}) == 0
    log = (tmp_path / "log").read_text()
    assert "said ['a']" in log
    assert "ValueError: no" in log
    assert "other" in log


def test_parameters_of_an_execution(tmp_path: Path) -> None:
    inputs = {
        "epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 2},
        "push_root": {"parameterType": "STRING"},
        "pipeline_root": {"parameterType": "STRING", "defaultValue": "/mnt/of/a/cluster"},
        "data": {"parameterType": "STRING"},
    }
    spec = made({"A": {}}, {"A": container()}, **inputs)
    found = run_parameters.values(spec, {"data": "x", "epochs": "3"}, tmp_path)
    folders = {"push_root": f"{tmp_path}/pushed", "pipeline_root": f"{tmp_path}/pipeline_root"}
    assert found == {"epochs": 3, "data": "x", **folders}
    with pytest.raises(ConfigError, match="data=… is missing"):
        run_parameters.values(spec, {}, tmp_path)
    with pytest.raises(ConfigError, match="--param typo: there is no such parameter"):
        run_parameters.values(spec, {"typo": "x"}, tmp_path)
    with pytest.raises(ConfigError, match="expected a number"):
        run_parameters.values(spec, {"data": "x", "epochs": "many"}, tmp_path)


@pytest.mark.parametrize("text", ["", "a: [", "a: 1\n", "- 1\n"])
def test_a_file_that_is_no_specification_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"not valid YAML|not a pipeline specification"):
        specification.load(file)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"command": ["sh", "-c", "curl …"]}, "is another project's pipeline: A runs 'sh -c curl …'"),
        ({"command": None}, "lacks what Edgeline's have"),
        ({}, "is another project's pipeline: A runs \"its image's own command\""),
    ],
)
def test_another_projects_specification_is_refused_and_nothing_of_it_runs(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    file = tmp_path / "other.yaml"
    document = {
        "pipelineInfo": {"name": "other"},
        "components": {"A": {"executorLabel": "A"}},
        "deploymentSpec": {"executors": {"A": {"container": {"image": "i", **change}}}},
        "root": {"dag": {"tasks": {"A": {"componentRef": {"name": "A"}}}}},
    }
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        specification.load(file)
    assert told in str(error.value)
    del document["components"]
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(ConfigError, match="lacks what Edgeline's have"):
        specification.load(file)
