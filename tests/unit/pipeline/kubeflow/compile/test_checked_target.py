"""Mistakes that are told in one line before anything is compiled or submitted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.config import loader
from pipeline.config.loader import ConfigError
from pipeline.config.platform import PlatformConfig
from pipeline.config.task import Config
from pipeline.kubeflow.compile import checked_values
from pipeline.kubeflow.compile.checked_target import make_target
from pipeline.kubeflow.compile.parameters import parameters, values
from pipeline.kubeflow.compile.preview import nodes, text
from pipeline.kubeflow.contract.target import Target

TASK = Path("tests/data/kubeflow/task.yaml")


@pytest.fixture(autouse=True)
def in_the_project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)


def load(profile: str | None, *overrides: str) -> Config:
    return loader.load(TASK, profile=profile, overrides=overrides)


def target(profile: str, *overrides: str, **options: Any) -> Target:
    return make_target(load(profile, *overrides), engine=profile, **options)


@pytest.mark.parametrize("engine", ["kubeflow", "vertex"])
def test_the_configuration_alone_is_enough(engine: str) -> None:
    found = target(engine)
    assert found.image == "registry/edgeline:1"
    assert found.push_root == f"{found.pipeline_root}/pushed"
    assert found.data == "dataset:vader"


@pytest.mark.parametrize(
    ("engine", "options", "expected"),
    [
        ("argo", {}, "--engine argo: choose one of kubeflow, "),
        ("vertex", {"pipeline_root": "s3://bucket/x"}, "--pipeline-root s3://bucket/x: s3:// is a scheme"),
        ("vertex", {"pipeline_root": "/mnt/x"}, "--pipeline-root /mnt/x: it is no folder that all nodes share"),
        ("kubeflow", {"pipeline_root": "hdfs://x/y"}, "for kubeflow use gs://, s3://, minio://, or a path under"),
        ("kubeflow", {"pipeline_root": "runs/x"}, "--pipeline-root runs/x: it is no folder that all nodes share"),
        ("kubeflow", {"pipeline_root": "/tmp/x"}, "--pipeline-root /tmp/x: it is no folder that all nodes share"),
        ("kubeflow", {"pipeline_root": "minio://mlpipeline/x"}, "platform.push_root: artifacts in minio:// are copied"),
        ("kubeflow", {"push_root": "s3://bucket/x"}, "--push-root s3://bucket/x: use gs://, or a path under"),
        ("kubeflow", {"image": "two words"}, "an image name has no white space"),
        ("vertex", {"image": "host:5000/edgeline"}, "--image host:5000/edgeline: there is no tag; give a tag that"),
        ("kubeflow", {"image": "edgeline:latest"}, "--image edgeline:latest: the tag `latest` is another image every"),
        ("vertex", {"pipeline_root": "gs://My_Bucket/x"}, "'My_Bucket' is no name of a bucket"),
        ("vertex", {"pipeline_root": "gs:///x"}, "'' is no name of a bucket"),
        ("kubeflow", {"pipeline_root": "s3://a_b/x", "push_root": "gs://bucket/p"}, "'a_b' is no name of a bucket"),
        ("vertex", {"push_root": "gs://x/y"}, "--push-root gs://x/y: 'x' is no name of a bucket"),
        ("kubeflow", {"schema_version": "2.0"}, "open-source Kubeflow Pipelines v2 reads 2.1 only"),
    ],
)
def test_a_wrong_option_is_one_clear_line(engine: str, options: dict[str, Any], expected: str) -> None:
    profile = engine if engine in ("kubeflow", "vertex") else "vertex"
    with pytest.raises(ConfigError) as error:
        make_target(load(profile), **{"engine": engine, **options})
    assert expected in str(error.value)


def test_image_and_root_must_be_there() -> None:
    with pytest.raises(ConfigError, match="There is no image: give --image"):
        target("vertex", "platform.image=null")
    with pytest.raises(ConfigError, match="There is no pipeline root: give --pipeline-root"):
        target("vertex", "platform.pipeline_root=null")


@pytest.mark.parametrize(
    ("engine", "override", "expected"),
    [
        ("vertex", "platform.volumes=[{claim: a, path: /mnt/a}]", "Vertex AI mounts no Kubernetes volumes"),
        ("vertex", "platform.secrets=[{name: a, key: b, env: C}]", "Vertex AI knows no Kubernetes secrets"),
        ("vertex", "platform.nodes.Trainer.node_selector={a: b}", "platform.nodes.Trainer.node_selector: Vertex AI"),
        ("vertex", "platform.nodes.Pruner.gpu={type: nvidia.com/gpu}", "names accelerators like NVIDIA_TESLA_T4"),
        ("vertex", "platform.nodes.LatestBlessedModelResolver.cpu=2", "this node has no container"),
        ("vertex", "platform.beam.runner=dataflow", "its workers cannot read dataset:vader; give --data gs://"),
        ("kubeflow", "data.path=queries/no.sql", "data.path: queries/no.sql: the nodes cannot read it"),
        ("vertex", "platform.vertex.region=null", "platform.nodes.Transform.beam: dataflow needs options.region"),
        ("vertex", "tuner.algorithm=hyperband", "platform.vertex.training.parallel_trials: Hyperband goes on from"),
        ("kubeflow", "platform.nodes.Trainer.gpu={type: NVIDIA_L4}", "names accelerators like nvidia.com/gpu"),
        ("kubeflow", "platform.vertex.training={}", "platform.vertex.training: Kubeflow Pipelines cannot honour it"),
        ("kubeflow", "platform.nodes.Transform.beam={runner: dataflow, options: {project: p, region: r}}",
         "dataflow needs a gs:// pipeline root"),
        ("kubeflow", "schema_path=/elsewhere/schema.pbtxt", "schema_path: /elsewhere/schema.pbtxt: the nodes cannot"),
        ("kubeflow", "backbone.vocabulary=/elsewhere/v.txt", "backbone.vocabulary: /elsewhere/v.txt: the nodes cannot"),
        ("kubeflow", "data.path=rows.csv", "data.path: rows.csv: the nodes cannot read it; give --data gs://"),
    ],
)  # fmt: skip
def test_a_setting_that_the_engine_cannot_honour_is_one_clear_line(engine: str, override: str, expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        target(engine, override)
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_workers_elsewhere_cannot_read_what_kubeflow_copies() -> None:
    with pytest.raises(ConfigError, match=r"Transform\.beam: flink: its workers cannot read minio:// artifacts"):
        target(
            "kubeflow", "platform.nodes.Transform.beam={runner: flink, job_endpoint: 'flink:8099'}",
            pipeline_root="minio://mlpipeline/x", push_root="gs://bucket/x",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("platform.nodes.Trainr.cpu=1", "nodes.Trainr: there is no such node. Did you mean Trainer?"),
        ("platform.nodes.Trainer.beam.runner=direct", "Trainer does not run on Beam"),
        ("platform.beam.runner=flink", "the flink runner needs job_endpoint"),
        ("platform.nodes.Trainer.memory=lots", "platform.nodes.Trainer.memory"),
        ("platform.nodes.Trainer.memory=1000000G", "no machine has that"),
        ("platform.nodes.Trainer.memory=0G", "no machine has that"),
        ("platform.nodes.Trainer.cpu=1000000", "platform.nodes.Trainer.cpu"),
        ("platform.nodes.Trainer.cpus=2", "Did you mean `cpu`?"),
    ],
)
def test_a_mistake_in_the_platform_section_is_explained(override: str, expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        load("vertex", override)
    assert expected in str(error.value)


def test_a_node_takes_the_defaults_for_what_it_does_not_say() -> None:
    platform = load("kubeflow").platform
    assert platform.node("Trainer").cpu == 8
    assert platform.node("Trainer").retries == 2
    assert platform.node("Evaluator").cache is False
    assert platform.node("Pruner") == platform.defaults


def test_what_trains_gets_processors_and_memory_where_nobody_says_how_much() -> None:
    platform = PlatformConfig()
    assert [platform.node(name).cpu for name in ("Trainer", "Tuner", "Pruner", "Evaluator")] == [4, 4, 4, None]
    assert platform.node("Pruner").memory == "16G"
    some = PlatformConfig.model_validate({"defaults": {"cpu": 2}, "nodes": {"Tuner": {"memory": "8G"}}})
    assert (some.node("Tuner").cpu, some.node("Tuner").memory) == (2, "8G")


def check(engine: str, **given: str) -> None:
    config = load(engine)
    goal = target(engine)
    known = parameters(config, goal)
    checked_values.check(config, goal, known, values(known, given), given)


@pytest.mark.parametrize(
    ("engine", "given", "told"),
    [
        ("vertex", {"epochs": "-3"}, "--param epochs=-3: input should be greater than"),
        ("kubeflow", {"epochs": "0"}, "--param epochs=0: "),
        ("vertex", {"trials": "-1"}, "--param trials=-1: "),
        ("vertex", {"accuracy_min": "7"}, "--param accuracy_min=7: the metrics of the gate lie in 0 … 1"),
        ("vertex", {"accuracy_min": "nan"}, "--param accuracy_min=nan: a finite number is needed"),
        ("vertex", {"edge_min_size_ratio": "-2"}, "--param edge_min_size_ratio=-2: "),
        ("vertex", {"data": "rows.csv"}, "--param: data.path: rows.csv: the nodes cannot read it"),
        ("kubeflow", {"data": "/elsewhere/rows.csv"}, "--param: data.path: /elsewhere/rows.csv: the nodes"),
        ("vertex", {"push_root": "/tmp/x"}, "--param: --push-root /tmp/x: use gs://"),
    ],
)
def test_a_parameter_that_a_node_would_refuse_is_refused_before_anything_is_sent(
    engine: str, given: dict[str, str], told: str
) -> None:
    with pytest.raises(ConfigError) as error:
        check(engine, **given)
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_parameters_within_their_bounds_are_taken() -> None:
    check("vertex", epochs="3", accuracy_min="0.9", data="gs://bucket/rows.csv", push_root="gs://bucket/other")
    check("kubeflow", data="dataset:vader", trials="2")


def test_parameters_have_the_configurations_values_as_defaults() -> None:
    config = load("vertex")
    found = values(parameters(config, target("vertex")), {"epochs": "5", "accuracy_min": "0.9"})
    assert found["epochs"] == 5
    assert found["accuracy_min"] == 0.9
    assert found["accuracy_max_drop"] == 0.01
    assert found["trials"] == 3
    assert (found["project"], found["region"]) == ("project", "europe-west4")


def test_a_training_whose_length_the_rows_decide_has_no_number_of_passes_to_give() -> None:
    config = load("vertex", "trainer.epochs=auto", "trainer.min_steps=700")
    found = values(parameters(config, target("vertex")), {"min_steps": "800"})
    assert "epochs" not in found
    assert found["min_steps"] == 800


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"epoch": "1"}, "there is no such parameter; there are: accuracy_max_drop"), ({"epochs": "x"}, "a whole number")],
)
def test_a_wrong_parameter_is_an_error(given: dict[str, str], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        values(parameters(load("vertex"), target("vertex")), given)


def test_the_preview_shows_nodes_and_parameters() -> None:
    config = load("kubeflow")
    found = target("kubeflow")
    page = text(config, found)
    assert "Trainer                        8 cores, 32Gi memory, 2 × nvidia.com/gpu, pool=gpu, 2 retries" in page
    assert "epochs" in page
    assert "RegistryPusher" not in nodes(config, found)
    assert "RegistryPusher" in nodes(load("vertex"), target("vertex"))
