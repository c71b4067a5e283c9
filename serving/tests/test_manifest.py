"""The manifest that `kubeflow_runner.py serve-manifest` writes, held to KServe's own classes and to our options."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import models as kubernetes_models

from edgeline_serving import cli
from edgeline_serving.wire import kserve_parts

MANIFEST = Path(__file__).resolve().parents[2] / "tests" / "data" / "kubeflow" / "inference_service.yaml"


def problems(value: Any, kind: str, where: str = "") -> Iterator[str]:
    """Fields that a class of KServe's or of Kubernetes' client does not have, and values of another type."""
    if kind.startswith(("list[", "dict(")):
        inner = kind[5:-1].split(", ")[-1]
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from problems(item, inner, f"{where}.{key}")
        return
    found = getattr(kserve_parts.kserve_models, kind, None) or getattr(kubernetes_models, kind, None)
    if found is None:
        simple = {"str": str, "int": int, "bool": bool, "object": object}
        if kind in simple and not isinstance(value, simple[kind]):
            yield f"{where} is no {kind}"
        return
    names = {json: name for name, json in found.attribute_map.items()}
    for key, item in value.items():
        if key not in names:
            yield f"{where}.{key}: {kind} has no such field"
        else:
            yield from problems(item, found.openapi_types[names[key]], f"{where}.{key}")


def test_the_manifest_has_only_fields_that_kserve_knows() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text("utf-8"))
    assert (manifest["apiVersion"], manifest["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert list(problems(manifest, "V1beta1InferenceService")) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [("minReplica", 1), ("minReplicas", "1"), ("containers", [{"name": "a", "img": "b"}]), ("scaleTarget", [])],
)
def test_a_field_that_there_is_not_would_be_found(path: str, value: Any) -> None:
    manifest = yaml.safe_load(MANIFEST.read_text("utf-8"))
    manifest["spec"]["predictor"][path] = value
    assert len(list(problems(manifest, "V1beta1InferenceService"))) == 1


def test_its_arguments_are_options_of_the_server(tmp_path: Path) -> None:
    [container] = yaml.safe_load(MANIFEST.read_text("utf-8"))["spec"]["predictor"]["containers"]
    arguments = [text.replace("/mnt/models", str(tmp_path)) for text in container["args"]]
    settings = cli.settings_of(cli._parser().parse_args(arguments))
    assert (settings.host, settings.port) == ("0.0.0.0", container["ports"][0]["containerPort"])
    assert settings.sources[0].folder == tmp_path
    assert settings.sources[0].name == "golden"
