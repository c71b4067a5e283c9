"""Requests to Vertex AI and Kubeflow: what is shown, and what Google's client is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import modules  # noqa: F401

import pytest

from pipeline.config import loader
from pipeline.config.loader import ConfigError
from pipeline.kubeflow.compile import parameters
from pipeline.kubeflow.compile.checked_target import make_target
from pipeline.kubeflow.contract.specification import Specification
from pipeline.kubeflow.orchestrators.request import make
from pipeline.kubeflow.submit import base
from tests.recorder import Answer, Recorder

TASK = "tests/data/kubeflow/task.yaml"


@pytest.fixture(autouse=True)
def in_the_project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)


def small() -> Specification:
    """A specification with one task; what is in it is no matter of the request."""
    types = {"epochs": "NUMBER_INTEGER", "trials": "NUMBER_INTEGER"}
    config = loader.load(TASK, profile="vertex")
    names = [item.name for item in parameters.parameters(config, make_target(config, engine="vertex"))]
    executor = {"container": {"image": "i", "command": ["c"], "args": []}}
    declared = {name: {"parameterType": types.get(name, "STRING")} for name in names}
    for name in names:
        if name.startswith(("accuracy", "calibration", "edge_")):
            declared[name] = {"parameterType": "NUMBER_INTEGER" if name == "edge_max_bytes" else "NUMBER_DOUBLE"}
    return Specification({
        "pipelineInfo": {"name": "edgeline-golden"}, "schemaVersion": "2.1.0", "sdkVersion": "tfx-1.21.0",
        "components": {"A": {"executorLabel": "A"}},
        "deploymentSpec": {"executors": {"A": executor}},
        "root": {"dag": {"tasks": {"A": {"componentRef": {"name": "A"}, "taskInfo": {"name": "A"}}}},
                 "inputDefinitions": {"parameters": declared}},
    })  # fmt: skip


def request(engine: str, **options: Any) -> base.Request:
    config = loader.load(TASK, profile=engine)
    target = make_target(config, engine=engine)
    values = parameters.values(parameters.parameters(config, target), {"epochs": "5"})
    return make(config, target, values, options).with_specification(small())


def test_the_shown_vertex_request_is_put_together_by_googles_client_without_credentials() -> None:
    shown = request("vertex", labels={"team": "x"}, network="projects/1/global/networks/n", no_cache=True).shown()
    assert shown["request"].endswith("/projects/project/locations/europe-west4/pipelineJobs")
    job = shown["pipeline_job"]
    assert job["runtime_config"]["gcs_output_directory"] == "gs://bucket/edgeline"
    assert job["runtime_config"]["parameter_values"]["epochs"] == 5
    assert job["runtime_config"]["parameter_values"]["region"] == "europe-west4"
    assert job["service_account"] == "runner@project"
    assert job["labels"] == {"team": "x"}
    assert job["network"] == "projects/1/global/networks/n"
    assert job["pipeline_spec"]["tasks"] == ["A"]


@pytest.fixture
def vertex_job(monkeypatch: pytest.MonkeyPatch) -> tuple[Recorder, dict[str, Any]]:
    from google.cloud import aiplatform

    job, made = Recorder(), {}

    def make(**arguments: Any) -> Recorder:
        assert Path(arguments["template_path"]).read_text().startswith("# edgeline-golden")
        made.update(arguments)
        return job

    job.resource_name, job.display_name = "projects/1/jobs/2", "edgeline-golden"
    monkeypatch.setattr(aiplatform, "PipelineJob", make)
    return job, made


def test_a_vertex_run_is_submitted_with_all_that_was_asked_for(vertex_job: tuple[Recorder, dict[str, Any]]) -> None:
    job, made = vertex_job
    key = "projects/p/locations/r/keyRings/k/cryptoKeys/c"
    sent = request("vertex", encryption_key=key, network="n", name="nightly").send(wait=True)
    assert sent == "run projects/1/jobs/2"
    assert made["display_name"] == "nightly"
    assert made["project"] == "project"
    assert made["location"] == "europe-west4"
    assert made["encryption_spec_key_name"] == key
    assert made["enable_caching"] is None  # what single nodes say holds
    assert job.calls == [("submit", (), {"service_account": "runner@project", "network": "n"}), ("wait", (), {})]


def test_a_schedule_on_vertex(vertex_job: tuple[Recorder, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    from google.cloud.aiplatform import pipeline_job_schedules

    schedule = Recorder()
    schedule.resource_name = "projects/1/schedules/3"
    monkeypatch.setattr(pipeline_job_schedules, "PipelineJobSchedule", lambda **_: schedule)
    assert request("vertex", cron="0 3 * * *").send(wait=False) == "schedule projects/1/schedules/3"
    [(name, _, arguments)] = schedule.calls
    assert (name, arguments["cron"], arguments["service_account"]) == ("create", "0 3 * * *", "runner@project")


def test_missing_credentials_are_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from google.auth import exceptions
    from google.cloud import aiplatform

    def refuse(**_: Any) -> None:
        raise exceptions.DefaultCredentialsError("none found")

    monkeypatch.setattr(aiplatform, "PipelineJob", refuse)
    with pytest.raises(base.SubmissionError, match="gcloud auth application-default login"):
        request("vertex").send(wait=False)


def test_the_shown_kubeflow_request_hides_what_proves_who_one_is(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    shown = request("kubeflow", host="http://kfp", token_file=tmp_path / "token").shown()
    assert shown["authentication"] == ["existing_token"]
    assert "secret" not in str(shown)
    assert shown["request"] == "kfp.Client.create_run_from_pipeline_package to http://kfp"


@pytest.mark.parametrize(
    ("engine", "options", "expected"),
    [
        ("kubeflow", {}, "needs an address: give --host"),
        ("vertex", {"host": "http://kfp"}, "--host is for --engine kubeflow"),
        ("kubeflow", {"host": "h", "encryption_key": "k"}, "--encryption-key is for --engine vertex"),
        ("vertex", {"cron": "0 3 * * *", "wait": True}, "a recurring run (--cron) has no end"),
        ("vertex", {"cron": "every day"}, "--cron 'every day': 5 fields are needed"),
        ("kubeflow", {"cron": "0 3 * * *"}, "--cron '0 3 * * *': 6 fields are needed (second, minute"),
        (
            "kubeflow",
            {"labels": {"team": "x"}},
            "--label team=x: runs of open-source Kubeflow Pipelines",
        ),
        ("vertex", {"labels": {"Team": "x"}}, "--label Team=x: Google takes up to 63 lower-case letters"),
        ("vertex", {"region": "narnia"}, "--region narnia: Vertex AI has no such region; there are "),
        ("vertex", {"region": "europe-west44"}, "did you mean europe-west4?"),
    ],
)
def test_a_wrong_request_is_one_clear_line(engine: str, options: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        request(engine, **options)
    assert expected in str(error.value)


def test_a_blessed_model_is_a_new_version_in_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    from google.cloud import aiplatform

    from pipeline.components import registry_pusher

    models = Recorder(
        list=[Answer(resource_name="projects/1/models/7")],
        upload=Answer(versioned_resource_name="projects/1/models/7@2"),
    )
    endpoint, started = Recorder(), {}
    monkeypatch.setattr(aiplatform, "Model", models)
    monkeypatch.setattr(aiplatform, "Endpoint", lambda name: endpoint)
    monkeypatch.setattr(aiplatform, "init", started.update)
    registry = {
        "serving_image": "serving:1",
        "endpoint": "e",
        "machine_type": "m",
        "min_replicas": 1,
        "max_replicas": 2,
    }
    settings = registry_pusher.RegistryPusherNodeSettings.model_validate(
        {"project": "p", "region": "r", "name": "edgeline-x", "encryption_key": None, "registry": registry}
    )
    monkeypatch.setattr(aiplatform, "init", lambda **arguments: started.update(arguments))
    assert registry_pusher.register("gs://b/model/Format-Serving", settings) == "projects/1/models/7@2"
    assert started["project"] == "p"
    upload = models.calls[1][2]
    assert upload["parent_model"] == "projects/1/models/7"
    assert upload["artifact_uri"] == "gs://b/model/Format-Serving"
    assert endpoint.calls[0][2]["traffic_percentage"] == 100
