"""Compiled specifications: valid for the KFP SDK, the same every time, reviewed by diff.

After a wanted change of the graph or of a node's settings: `make golden`, then read the diff of tests/data/kubeflow.
"""

from __future__ import annotations

import functools
import json
import os
import re
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import modules  # noqa: F401

import google.auth
import pytest
import yaml
from google.protobuf import json_format

from pipeline import nodes as table
from pipeline.config import loader
from pipeline.graph import evaluation
from pipeline.kubeflow.compile import compile
from pipeline.kubeflow.compile.checked_target import make_target
from pipeline.kubeflow.compile.parameters import parameters
from pipeline.kubeflow.compile.preview import nodes
from pipeline.kubeflow.contract import bindings, lint, specification
from pipeline.kubeflow.contract.options import OPTIONS, Options
from pipeline.kubeflow.contract.specification import Specification
from pipeline.kubeflow.orchestrators.base import orchestrator

FOLDER = Path("tests/data/kubeflow")
ENGINES = ("kubeflow", "vertex")


@pytest.fixture(autouse=True, scope="module")
def in_the_project(repository: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(repository)
    yield
    os.chdir(before)


@pytest.fixture(autouse=True)
def without_network_and_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Compiling asks nobody: not for a bucket, not for a project, not for who one is."""

    def refuse(*arguments: Any, **_: Any) -> None:
        raise AssertionError(f"compiling asked the network: {arguments}")

    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(google.auth, "default", refuse)
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)


@functools.cache
def compiled(engine: str, *overrides: str, **options: str) -> Specification:
    config = loader.load(FOLDER / "task.yaml", profile=engine, overrides=overrides)
    return compile.compile_pipeline(config, make_target(config, engine=engine, **options))


def normalised(text: str) -> str:
    """Without digests of source files and defaults, which every edit changes."""
    return re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", text)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_specification_is_the_reviewed_one(engine: str) -> None:
    file = FOLDER / f"{engine}.yaml"
    specification_ = compiled(engine)
    # Settings in JSON are written out, so that a diff shows the one value that changed.
    shown = yaml.safe_dump_all(
        [_opened(specification_.pipeline), _opened(specification_.platform)], sort_keys=True, width=10_000
    )
    text = normalised(shown)
    if os.environ.get("EDGELINE_UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), f"{file} is another: run `make golden` and read its diff"


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _opened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_opened(item) for item in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return {"json": _opened(json.loads(value))}
        except ValueError:
            return value
    return value


def loaded(spec: Specification, file: Path) -> Any:
    """What the installed KFP SDK makes of it."""
    import kfp.components

    file.write_text(specification.dump(spec))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kfp.components.load_component_from_file(str(file))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_kfp_sdk_loads_it(engine: str, tmp_path: Path) -> None:
    from kfp.pipeline_spec import pipeline_spec_pb2

    component = loaded(compiled(engine), tmp_path / "pipeline.yaml")
    assert component.name == "edgeline-golden"
    assert {"data", "epochs", "trials", "accuracy_min", "push_root"} <= set(component.component_spec.inputs)
    parsed = json_format.ParseDict(compiled(engine).pipeline, pipeline_spec_pb2.PipelineSpec())
    assert parsed.root.input_definitions.parameters["epochs"].default_value.number_value == 2
    json_format.ParseDict(compiled(engine).platform, pipeline_spec_pb2.PlatformSpec())


def test_the_older_schema_version_is_valid_too(tmp_path: Path) -> None:
    from google.auth import credentials
    from google.cloud import aiplatform
    from kfp.pipeline_spec import pipeline_spec_pb2

    older = compiled("vertex", "platform.vertex.training=null", schema_version="2.0")
    assert older.pipeline["schemaVersion"] == "2.0.0"
    parsed = json_format.ParseDict(older.pipeline, pipeline_spec_pb2.PipelineSpec())
    assert parsed.root.input_definitions.parameters["epochs"].type == pipeline_spec_pb2.PrimitiveType.INT
    lint.check(older, orchestrator("vertex").lacks)
    # KFP's own loader reads version 2.1 only; Google's client, for which 2.0 is, takes it.
    (tmp_path / "pipeline.yaml").write_text(specification.dump(older))
    job = aiplatform.PipelineJob(
        display_name="x", template_path=str(tmp_path / "pipeline.yaml"), parameter_values={"epochs": 5},
        credentials=credentials.AnonymousCredentials(), project="p", location="europe-west4",
    )  # fmt: skip
    assert job._gca_resource.runtime_config.parameters["epochs"].int_value == 5


@pytest.mark.parametrize(
    ("engine", "root", "push"),
    [
        ("kubeflow", "gs://bucket/edgeline", None),
        ("kubeflow", "s3://bucket/edgeline", "gs://bucket/pushed"),
        ("kubeflow", "minio://mlpipeline/edgeline", "gs://bucket/pushed"),
        ("kubeflow", "/mnt/edgeline/other", None),
        ("vertex", "gs://bucket/other", None),
    ],
)
def test_the_pipeline_root_stays_open_whatever_its_kind(engine: str, root: str, push: str | None) -> None:
    """A bucket is the default of the engine's own setting of a run, a folder on a volume a parameter's."""
    found = compiled(engine, pipeline_root=root, **({"push_root": push} if push else {}))
    on_volume = root.startswith("/")
    assert found.pipeline.get("defaultPipelineRoot") == (None if on_volume else root)
    assert found.inputs.get("pipeline_root", {}).get("defaultValue") == (root if on_volume else None)
    for name, task in found.tasks.items():
        container = found.executor(name).get("container")
        if not container:
            continue
        options = Options.parse(container["args"][container["args"].index(OPTIONS) + 1])
        assert options.copied == root.startswith(("s3://", "minio://")), name
        assert options.root_parameter == ("pipeline_root" if on_volume else ""), name
        if on_volume:
            assert task["inputs"]["parameters"]["pipeline_root"] == {"componentInputParameter": "pipeline_root"}
        # Nothing else in a node may hold on to the folder that it was compiled with. What is pushed has a parameter of
        # its own; Dataflow's scratch files may stay where they were.
        constants = [item for item in task.get("inputs", {}).get("parameters", {}).values() if "runtimeValue" in item]
        settings = json.dumps([constants, container["args"]])
        assert root not in settings.replace(f"{root}/pushed/", "").replace(f"{root}/beam/", ""), name


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    command = [
        sys.executable, "kubeflow_runner.py", "compile", "-c", str(FOLDER / "task.yaml"), "-p", "kubeflow", "-e",
        "kubeflow", "-o",
    ]  # fmt: skip
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"UTC{seed}"}
        subprocess.run([*command, str(tmp_path / seed)], env=environment, check=True, capture_output=True)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert str(Path.cwd()) not in (tmp_path / "1").read_text()


@pytest.mark.parametrize("engine", ENGINES)
def test_no_user_code_is_packed_and_every_container_has_the_one_image(engine: str) -> None:
    for name in compiled(engine).tasks:
        executor = compiled(engine).executor(name)
        if "container" in executor:
            assert executor["container"]["image"] == "registry/edgeline:1"
    text = specification.dump(compiled(engine))
    assert ".whl" not in text
    assert "_wheels" not in text


def test_the_names_of_nodes_are_known_to_the_configuration() -> None:
    config = loader.load(FOLDER / "task.yaml", profile="vertex")
    target = make_target(config, engine="vertex")
    tasks = {name.partition("-")[0] for name in compiled("vertex").tasks}  # a look-up is two tasks there
    assert tasks == set(nodes(config, target)) <= set(table.rows())
    reuse = compiled("kubeflow", "tuner={reuse: latest, enabled: false}", "trainer.warm_start=true")
    assert {"LatestHyperparametersResolver", "WarmStartResolver"} <= set(reuse.tasks) <= set(table.rows())
    lint.check(reuse, orchestrator("kubeflow").lacks)


@pytest.mark.parametrize("engine", ENGINES)
def test_spans_and_what_was_served_compile_and_the_window_is_found_when_the_pipeline_runs(engine: str) -> None:
    overrides = (
        "data={dataset: null, path: 'gs://b/rows/span-{SPAN}/version-{VERSION}/*', serving_logs: 'gs://b/served/*.jsonl',"
        " spans: {window: 3}}",
    )
    found = compiled(engine, *overrides)
    lint.check(found, orchestrator(engine).lacks)
    config = loader.load(FOLDER / "task.yaml", profile=engine, overrides=overrides)
    target = make_target(config, engine=engine)
    assert {name.partition("-")[0] for name in found.tasks} == set(nodes(config, target))
    assert {"PreviousStatisticsResolver", "ServingStatisticsGen"} <= set(found.tasks)
    container = found.executor("ExampleGen")["container"]
    options = Options.parse(container["args"][container["args"].index(OPTIONS) + 1])
    constants = {
        key: item["runtimeValue"]["constant"]
        for key, item in found.tasks["ExampleGen"]["inputs"]["parameters"].items()
        if "runtimeValue" in item
    }
    assert json.loads(constants["range_config"]) == {"rolling_range": {"num_spans": 3}}
    bindings.apply(constants, options.bindings, {"data": "gs://other/day-{SPAN:4}/*.csv"})
    assert constants["input_base"] == "gs://other"
    assert json.loads(constants["input_config"])["splits"][0]["pattern"] == "day-{SPAN:4}/*.csv"
    assert found.tasks["PreviousStatisticsResolver"]["cachingOptions"] == {}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_parameter_finds_its_place(engine: str) -> None:
    config = loader.load(FOLDER / "task.yaml", profile=engine)
    found = parameters(config, make_target(config, engine=engine))
    given = {item.name: "x/y" if item.kind == "STRING" else 7 for item in found}
    reached = set()
    for name, task in compiled(engine).tasks.items():
        container = compiled(engine).executor(name).get("container")
        if not container:
            continue
        options = Options.parse(container["args"][container["args"].index(OPTIONS) + 1])
        inputs = task.get("inputs", {}).get("parameters", {})
        properties = {key: item["runtimeValue"]["constant"] for key, item in inputs.items() if "runtimeValue" in item}
        bindings.apply(properties, options.bindings, given)
        for binding in options.bindings:
            assert inputs[binding.parameter] == {"componentInputParameter": binding.parameter}
            reached.add(binding.parameter)
        reached |= {options.root_parameter} - {""}
    assert reached == set(given)


def test_a_bound_of_the_gate_is_written_as_the_pipeline_itself_writes_it() -> None:
    container = compiled("vertex").executor("Evaluator")["container"]
    options = Options.parse(container["args"][container["args"].index(OPTIONS) + 1])
    properties = {"eval_config": _constant("vertex", "Evaluator", "eval_config")}
    before = json.loads(properties["eval_config"])
    config = loader.load(FOLDER / "task.yaml", profile="vertex")
    defaults = {item.name: item.default for item in parameters(config, make_target(config, engine="vertex"))}
    bindings.apply(properties, options.bindings, defaults)
    after = json.loads(properties["eval_config"])
    assert _numbers(after) == pytest.approx(_numbers(before), abs=1e-12)


def test_a_bound_on_a_metric_of_ones_own_finds_its_place_and_its_side(tmp_path: Path) -> None:
    values = yaml.safe_load((FOLDER / "task.yaml").read_text())
    del values["labels"]
    values["extensions"], values["target"] = ["tests.toys.stars"], {"kind": "stars", "column": "label"}
    values |= {"edge": False, "evaluator": {"thresholds": {"mse": {"max": 2.0, "max_drop": 0.5, "slice_min": 3.0}}}}
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(values))
    config = loader.load(tmp_path / "task.yaml", profile="kubeflow")
    bounds = {
        item.name: item for item in parameters(config, make_target(config, engine="kubeflow")) if "mse" in item.name
    }
    assert set(bounds) == {"mse_max", "mse_max_drop", "mse_slice_min"}
    document = evaluation.eval_config(config, gated=True)
    properties = {"eval_config": json_format.MessageToJson(document, preserving_proto_field_name=True)}
    places = {name: place(properties) for name, item in bounds.items() for place in item.places["Evaluator"]}
    assert {name: (place.pointer.rsplit("/", 2)[1:], place.scale) for name, place in places.items()} == {
        "mse_max": (["value_threshold", "upper_bound"], 1.0),
        "mse_max_drop": (["change_threshold", "absolute"], 1.0),
        "mse_slice_min": (["value_threshold", "upper_bound"], 1.0),
    }


@pytest.mark.parametrize(
    ("engine", "target"),
    [
        ("kubeflow", {"kind": "number", "column": "label", "min": 1, "max": 5}),
        ("vertex", {"kind": "many_labels", "column": "label", "labels": ["a", "b"], "separator": ";"}),
    ],
    ids=["number", "many_labels"],
)
def test_a_task_of_another_target_compiles_with_what_its_nodes_need_of_it(
    engine: str, target: dict[str, Any], tmp_path: Path
) -> None:
    values = yaml.safe_load((FOLDER / "task.yaml").read_text())
    del values["labels"]
    metric = {"number": "rmse", "many_labels": "micro_f1"}[target["kind"]]
    values |= {"target": target, "edge": False, "evaluator": {"thresholds": {metric: {"max_drop": 0.5}}}}
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(values))
    config = loader.load(tmp_path / "task.yaml", profile=engine)
    tasks = compile.compile_pipeline(config, make_target(config, engine=engine)).tasks
    assert not {"Pruner", "TFLiteConverter", "EdgeEvaluator"} & set(tasks)
    assert {"LinearBaseline", "Trainer", "Evaluator"} <= set(tasks)
    given = tasks["ExampleGen"]["inputs"]["parameters"]["custom_config"]["runtimeValue"]["constant"]
    assert json.loads(json.dumps(config.target.cell.model_dump())) == json.loads(_inner(given))["cell"]
    rows = tasks["LinearBaseline"]["inputs"]["parameters"]["settings"]["runtimeValue"]["constant"]
    assert json.loads(rows)["target"] == config.target.model_dump(mode="json")


def _inner(custom_config: str) -> str:
    """The settings in ExampleGen's message."""
    found = json.loads(custom_config)
    return next(value for value in _texts(found) if '"cell"' in value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _constant(engine: str, task: str, name: str) -> str:
    return compiled(engine).tasks[task]["inputs"]["parameters"][name]["runtimeValue"]["constant"]


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for key in sorted(value) for number in _numbers(value[key])]
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    return [float(value)] if isinstance(value, int | float) else []


def test_resources_retries_and_caching_reach_their_nodes() -> None:
    kubeflow, vertex = compiled("kubeflow"), compiled("vertex")
    trainer = kubeflow.executor("Trainer")["container"]["resources"]
    assert trainer["cpuLimit"] == 8
    assert trainer["resourceMemoryLimit"] == "32Gi"
    assert trainer["memoryLimit"] == pytest.approx(34.36, abs=0.01)
    assert trainer["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert kubeflow.tasks["Trainer"]["retryPolicy"]["maxRetryCount"] == 2
    assert kubeflow.tasks["Evaluator"]["cachingOptions"] == {}
    assert kubeflow.tasks["Transform"]["cachingOptions"] == {"enableCache": True}
    assert kubeflow.tasks["ExampleGen"]["cachingOptions"] == {}  # its key would not see a changed file
    assert vertex.tasks["ExampleGen"]["cachingOptions"] == {"enableCache": True}
    executors = kubeflow.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors["Trainer_executor"]["nodeSelector"] == {"labels": {"pool": "gpu"}}
    assert executors["Pusher_executor"]["pvcMount"][0]["mountPath"] == "/mnt/edgeline"
    assert not vertex.platform


@pytest.mark.parametrize("engine", ENGINES)
def test_a_query_is_never_cached_whatever_tfx_calls_its_tasks(engine: str) -> None:
    """A second blessing would not be found: what a look-up takes does not change with what it finds."""
    found = compiled(engine, "trainer.warm_start=true", "tuner.reuse=latest")
    queries = [name for name in found.tasks if "resolver" in found.executor(name)]
    assert len(queries) == {"kubeflow": 0, "vertex": 5}[engine]
    assert [name for name in queries if found.tasks[name]["cachingOptions"] != {}] == []
    reviewed, *_ = yaml.safe_load_all((FOLDER / f"{engine}.yaml").read_text(encoding="utf-8"))
    executors = reviewed["deploymentSpec"]["executors"]
    for name, task in reviewed["root"]["dag"]["tasks"].items():
        label = reviewed["components"][task["componentRef"]["name"]]["executorLabel"]
        if "resolver" in executors[label]:
            assert task["cachingOptions"] == {}, name


def test_beam_nodes_alone_get_beams_arguments() -> None:
    vertex = compiled("vertex")
    for name in vertex.tasks:
        arguments = vertex.executor(name).get("container", {}).get("args", [])
        runners = [item for item in arguments if item.startswith("--runner=")]
        expected = ["--runner=DataflowRunner"] if name == "Transform" else ["--runner=FnApiRunner"]
        assert runners == (expected if name in table.beam_nodes() else [])
    dataflow = vertex.executor("Transform")["container"]["args"]
    assert "--sdk_container_image=registry/edgeline:1" in dataflow
    assert "--temp_location=gs://bucket/edgeline/beam/temp" in dataflow
    assert "--max_num_workers=20" in dataflow


def test_each_engine_gets_what_it_can_run() -> None:
    kubeflow, vertex = compiled("kubeflow"), compiled("vertex")
    kinds = {kind for item in kubeflow.pipeline["deploymentSpec"]["executors"].values() for kind in item}
    assert kinds == {"container"}
    hook = vertex.executor("ExampleGen")["container"]["lifecycle"]["preCacheCheck"]
    assert "--drive" in hook["command"]
    assert "defaultPipelineRoot" not in kubeflow.pipeline
    assert vertex.pipeline["defaultPipelineRoot"] == "gs://bucket/edgeline"
    query = vertex.executor("LatestBlessedModelResolver-model-blessing-resolver")["resolver"]
    assert 'edgeline_gate.string_value="edgeline-golden"' in json.dumps(query).replace('\\"', '"')


def test_training_on_vertex_takes_the_machines_of_the_configuration() -> None:
    trainer = json.loads(_constant("vertex", "Trainer", "custom_config"))
    job = trainer["ai_platform_training_args"]["job_spec"]
    assert [pool["replica_count"] for pool in job["worker_pool_specs"]] == [1, 1]
    assert job["worker_pool_specs"][0]["machine_spec"]["accelerator_type"] == "NVIDIA_TESLA_T4"
    assert job["worker_pool_specs"][0]["container_spec"] == {"image_uri": "registry/edgeline:1"}
    assert job["service_account"] == "runner@project"
    assert trainer["trainer"]["epochs"] == 2
    tuner = json.loads(_constant("vertex", "Tuner", "custom_config"))
    pools = tuner["ai_platform_tuning_args"]["job_spec"]["worker_pool_specs"]
    assert [pool["replica_count"] for pool in pools] == [1, 2]
    assert '"num_parallel_trials": 3' in _constant("vertex", "Tuner", "tune_args")
