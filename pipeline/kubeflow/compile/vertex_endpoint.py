"""A pushed version as a deployment on an Endpoint of Vertex AI: the requests to its API, in their order, not sent.

The image is the one that KServe runs, with `edgeline-serving`: Vertex AI speaks its V1 protocol, and tells the
container by `AIP_STORAGE_URI` where the version is, from where the server copies it. Each request is put together as a
message of Google's client, which knows every field and its type.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from pipeline.config.loader import ConfigError
from pipeline.config.task import Config
from pipeline.kubeflow.compile.inference_service import Wanted, checked

_PORT = 8080
_NUMBER = re.compile(r"[0-9]{1,19}")
_ENDPOINT, _MODEL = "ENDPOINT_ID", "MODEL_ID"  # what the answers to the requests before will name
_LOAD = 70  # per cent of the CPU, above which a replica is added


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the version goes.

    Attributes:
        project: the project that pays; by default the configuration's.
        region: where; by default the configuration's.
        endpoint: number of an endpoint that there is; None makes one.
        beside: number of the deployed model that keeps the rest of the requests; needed by a canary.
        machine: type of a replica's machine.
    """

    project: str | None = None
    region: str | None = None
    endpoint: str | None = None
    beside: str | None = None
    machine: str = "n1-standard-2"


def requests(config: Config, wanted: Wanted, place: Place) -> list[dict[str, Any]]:
    """What is to be sent, one after the other.

    Args:
        config: of the task; of `platform` the service account, the labels and `vertex` count.
        wanted: image, version, replicas and canary.
        place: where to.

    Returns:
        Each `method`, `url` and `body`, as Vertex AI's REST API takes them; `ENDPOINT_ID` and `MODEL_ID` in them stand
        for what the answers before name.

    Raises:
        ConfigError: something is missing or contradicts.
    """
    vertex = config.platform.vertex
    project, region = place.project or vertex.project, place.region or vertex.region
    _check(wanted, place, project, region)
    from google.cloud.aiplatform_v1 import types  # two seconds, after everything that can be wrong without it

    parent = f"projects/{project}/locations/{region}"
    endpoint = f"{parent}/endpoints/{place.endpoint or _ENDPOINT}"
    labels = {"edgeline-task": config.task, **config.platform.labels}
    encryption = {"kms_key_name": vertex.encryption_key} if vertex.encryption_key else None
    upload = types.UploadModelRequest(
        parent=parent,
        model=_model(config, wanted, labels, encryption),
        service_account=config.platform.service_account or "",
    )
    deployed: dict[str, Any] = {
        "model": f"{parent}/models/{_MODEL}",
        "display_name": f"{config.task}-{_version(wanted.uri)}",
        "service_account": config.platform.service_account or "",
        "dedicated_resources": {
            "machine_spec": {"machine_type": place.machine},
            "min_replica_count": wanted.least,
            "max_replica_count": wanted.most,
            "autoscaling_metric_specs": [
                {"metric_name": "aiplatform.googleapis.com/prediction/online/cpu/utilization", "target": _LOAD}
            ],
        },
    }
    share = 100 if wanted.canary is None else wanted.canary
    traffic = {"0": share} | ({str(place.beside): 100 - share} if share < 100 else {})  # "0": the one that is deployed
    deploy = types.DeployModelRequest(endpoint=endpoint, deployed_model=deployed, traffic_split=traffic)
    found = [_request(region, f"{parent}/models:upload", upload, "parent")]
    if place.endpoint is None:
        made = {"display_name": config.task, "labels": labels, "network": vertex.network or ""}
        create = types.CreateEndpointRequest(
            parent=parent, endpoint=made | ({"encryption_spec": encryption} if encryption else {})
        )
        found.append(_request(region, f"{parent}/endpoints", create.endpoint))
    return [*found, _request(region, f"{endpoint}:deployModel", deploy, "endpoint")]


def dump(found: list[dict[str, Any]]) -> str:
    """The requests as JSON."""
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _model(config: Config, wanted: Wanted, labels: dict[str, str], encryption: dict[str, str] | None) -> dict[str, Any]:
    model = {
        "display_name": config.task,
        "artifact_uri": wanted.uri.rstrip("/"),
        "labels": labels,
        "container_spec": {
            "image_uri": wanted.image,
            # Vertex AI puts the variable in; the server copies the version from there.
            "args": [
                f"--{wanted.kind}", f"{config.task}=$(AIP_STORAGE_URI)", "--host", "0.0.0.0", "--port", str(_PORT),
                "--threads", str(max(1, int(wanted.cpu))),
            ],
            "ports": [{"container_port": _PORT}],
            "predict_route": f"/v1/models/{config.task}:predict",
            "health_route": "/v2/health/ready",
        },
    }  # fmt: skip
    return model | ({"encryption_spec": encryption} if encryption else {})


def _check(wanted: Wanted, place: Place, project: str | None, region: str | None) -> None:
    for name, value in (("project", project), ("region", region)):
        if not value:
            raise ConfigError(f"--vertex needs a {name}: give --{name}, or set platform.vertex.{name}.")
    checked(wanted)
    problem = ""
    if not re.fullmatch(r"gs://[^/]+/.*/?[0-9]+/?", wanted.uri):
        problem = f"--uri {wanted.uri}: Vertex AI takes one pushed version in a bucket, gs://…/<number>."
    if not problem and wanted.least < 1:
        problem = "--min-replicas 0: an endpoint of Vertex AI has at least 1."
    for option, value in (("--endpoint", place.endpoint), ("--beside", place.beside)):
        if not problem and value is not None and not _NUMBER.fullmatch(value):
            problem = f"{option} {value}: give the number that `gcloud ai endpoints` shows."
    if not problem and wanted.canary not in (None, 100) and not (place.endpoint and place.beside):
        problem = f"--canary {wanted.canary}: name --endpoint and --beside, the deployed model that keeps the rest."
    if problem:
        raise ConfigError(problem)


def _version(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2]


def _request(region: str | None, path: str, message: Any, *in_path: str) -> dict[str, Any]:
    """A message as REST has it: names in camel case, and what the path says already left out."""
    from google.protobuf import json_format

    body = json_format.MessageToDict(type(message).pb(message))
    for name in in_path:
        body.pop(name, None)
    return {"method": "POST", "url": f"https://{region}-aiplatform.googleapis.com/v1/{path}", "body": body}
