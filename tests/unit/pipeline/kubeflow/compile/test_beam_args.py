"""Beam's command line on each runner: what docs/scale.md says it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.config import loader
from pipeline.kubeflow.compile.beam_args import DIRECT, beam_args
from pipeline.kubeflow.compile.checked_target import make_target
from pipeline.nodes import beam_nodes

TASK = "tests/data/kubeflow/task.yaml"
PORTABLE = "{runner: %s, job_endpoint: 'beam-job-server:8099', options: {%s}}"


@pytest.fixture(autouse=True)
def in_the_project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)


def arguments(engine: str, *overrides: str) -> dict[str, list[str]]:
    config = loader.load(TASK, profile=engine, overrides=overrides)
    return beam_args(config, make_target(config, engine=engine))


@pytest.mark.parametrize("runner", ["flink", "spark"])
def test_one_setting_moves_every_beam_node_to_a_job_server_with_the_image_as_its_workers(runner: str) -> None:
    found = arguments(
        "kubeflow", f"platform.beam={PORTABLE % (runner, 'parallelism: 8')}", "data.path=/mnt/edgeline/rows.csv"
    )
    assert set(found) == set(beam_nodes())
    for node in beam_nodes():
        assert found[node] == [
            "--runner=PortableRunner", "--sdk_container_image=registry/edgeline:1",
            "--environment_config=localhost:50000", "--environment_type=EXTERNAL",
            "--job_endpoint=beam-job-server:8099", "--parallelism=8",
        ]  # fmt: skip


def test_a_node_of_its_own_mind_leaves_the_others_where_they_are() -> None:
    found = arguments("kubeflow", f"platform.nodes.Transform.beam={PORTABLE % ('flink', '')}")
    assert found["Transform"][0] == "--runner=PortableRunner"
    assert all(found[node] == list(DIRECT) for node in beam_nodes() if node != "Transform")


def test_beam_itself_takes_the_arguments_for_dataflow(monkeypatch: pytest.MonkeyPatch) -> None:
    from apache_beam.options import pipeline_options
    from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
    from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner

    # The validator would ask the bucket itself for its deletion policy, for minutes where nothing answers.
    monkeypatch.setattr(
        pipeline_options.GoogleCloudOptions, "_warn_if_soft_delete_policy_enabled", lambda options, name: None
    )
    options = pipeline_options.PipelineOptions(arguments("vertex")["Transform"])
    assert PipelineOptionsValidator(options, DataflowRunner()).validate() == []
    cloud, worker = (
        options.view_as(kind) for kind in (pipeline_options.GoogleCloudOptions, pipeline_options.WorkerOptions)
    )
    assert (cloud.project, cloud.region) == ("project", "europe-west4")
    assert cloud.service_account_email == "runner@project"
    assert (worker.max_num_workers, worker.use_public_ips) == (20, False)
    assert worker.sdk_container_image == "registry/edgeline:1"


def test_the_page_on_scale_shows_the_arguments_that_are_compiled(repository: Path) -> None:
    page = re.sub(r"\s+", " ", (repository / "docs" / "scale.md").read_text(encoding="utf-8"))
    flink = arguments(
        "kubeflow", f"platform.beam={PORTABLE % ('flink', 'parallelism: 8')}", "data.path=/mnt/edgeline/rows.csv"
    )["Transform"]
    for argument in [*flink, *arguments("vertex")["Transform"][:3]]:
        assert argument.replace("registry/edgeline:1", "<image>") in page, argument
