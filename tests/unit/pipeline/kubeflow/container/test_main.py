"""What the container entry point mends before TFX's own code runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.kubeflow.container import inputs
from pipeline.kubeflow.contract import bindings
from pipeline.kubeflow.contract.bindings import Binding, BindingError
from pipeline.kubeflow.contract.options import LAUNCHER_ROOT_VARIABLE, Options

EXAMPLES = {"instanceSchema": "title: tfx.Examples\ntype: object\n"}
SPEC = {"artifacts": {"examples": {"artifactType": EXAMPLES}}}


def given(**artifact: Any) -> dict[str, Any]:
    item = {"name": "7", "uri": "gs://b/in", **artifact}
    return {
        "inputs": {"artifacts": {"examples": {"artifacts": [item]}}, "parameterValues": {}},
        "outputs": {"artifacts": {"model": {"artifacts": [{"uri": "minio://bucket/v2/run/model"}]}}},
    }


@pytest.mark.parametrize("type_", [None, {}, {"schemaTitle": "tfx.Examples"}])
def test_a_type_that_open_source_kubeflow_leaves_out_is_filled_in(type_: dict[str, str] | None) -> None:
    found = inputs.prepare(given(**({} if type_ is None else {"type": type_})), SPEC, Options())
    assert found["inputs"]["artifacts"]["examples"]["artifacts"][0]["type"] == EXAMPLES


def test_a_type_that_the_engine_tells_is_kept() -> None:
    told = {"instanceSchema": "title: tfx.Model\ntype: object\n"}
    found = inputs.prepare(given(type=told), SPEC, Options())
    assert found["inputs"]["artifacts"]["examples"]["artifacts"][0]["type"] == told


def test_an_artifact_without_a_name_gets_one_since_blessings_need_it() -> None:
    found = inputs.prepare(given(name=""), SPEC, Options())
    assert found["inputs"]["artifacts"]["examples"]["artifacts"][0]["name"] == "gs://b/in"


def test_an_input_that_stands_for_nothing_is_no_input() -> None:
    found = inputs.prepare(given(metadata={"absent": 1.0}), SPEC, Options())
    assert found["inputs"]["artifacts"] == {}


def test_a_bucket_that_tensorflow_cannot_reach_is_read_and_written_where_the_launcher_copies_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(LAUNCHER_ROOT_VARIABLE, raising=False)
    options = Options(copied=True)
    found = inputs.prepare(given(uri="s3://other/in"), SPEC, options)
    assert found["inputs"]["artifacts"]["examples"]["artifacts"][0]["uri"] == "/s3/other/in"
    assert found["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"] == "/minio/bucket/v2/run/model"
    reported = {"artifacts": {"model": {"artifacts": [{"uri": "/minio/bucket/v2/run/model"}]}}}
    restored = inputs.restore(reported, options)
    assert restored["artifacts"]["model"]["artifacts"][0]["uri"] == "minio://bucket/v2/run/model"


def test_outputs_go_to_a_shared_volume_in_place_of_the_bucket() -> None:
    call = given(uri="/nfs/x/in")
    call["inputs"]["parameterValues"] = {"pipeline_root": "/nfs/x/", "other": "kept"}
    options = Options.parse(Options(root_parameter="pipeline_root").to_args()[1])
    found = inputs.prepare(call, SPEC, options)
    assert found["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"] == "/nfs/x/v2/run/model"
    assert found["inputs"]["artifacts"]["examples"]["artifacts"][0]["uri"] == "/nfs/x/in"
    assert found["inputs"]["parameterValues"] == {"other": "kept"}, "no node of TFX knows such a property"
    with pytest.raises(BindingError, match="the run has no parameter 'pipeline_root'"):
        inputs.prepare(given(uri="/nfs/x/in"), SPEC, options)


def test_parameters_are_written_into_the_nodes_settings_and_taken_out_of_its_properties() -> None:
    call = given()
    call["inputs"]["parameterValues"] = {
        "custom_config": json.dumps({"trainer": {"epochs": 1, "seed": 3}}), "epochs": 4.0, "run_fn": "a.b",
    }  # fmt: skip
    options = Options(bindings=[Binding("epochs", "custom_config", "/trainer/epochs")])
    found = inputs.prepare(call, SPEC, options)["inputs"]["parameterValues"]
    assert set(found) == {"custom_config", "run_fn"}
    assert json.loads(found["custom_config"]) == {"trainer": {"epochs": 4, "seed": 3}}


def test_version_2_0_of_the_specification_wraps_its_values() -> None:
    call = given()
    call["inputs"] = {"parameters": {"schema_file": {"stringValue": "a"}, "schema": {"stringValue": "b"},
                                     "level": {"intValue": "3"}}}  # fmt: skip
    found = inputs.prepare(call, {}, Options(bindings=[Binding("schema", "schema_file")]))
    assert found["inputs"]["parameters"] == {"schema_file": {"stringValue": "b"}, "level": {"intValue": "3"}}


def test_a_data_set_of_the_image_becomes_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from modules.datasets import base as datasets

    monkeypatch.setattr(datasets, "csv_file", lambda name: tmp_path / name / "rows.csv")
    call = given()
    call["inputs"]["parameterValues"] = {"input_base": "x", "data": "dataset:vader"}
    options = Options(bindings=[Binding("data", "input_base", part="folder")])
    found = inputs.prepare(call, SPEC, options)
    assert found["inputs"]["parameterValues"] == {"input_base": str(tmp_path / "vader")}


def test_options_survive_the_command_line() -> None:
    options = Options(
        bindings=[Binding("a", "b", "/c", form="{}/d", part="file"), Binding("e", "f", scale=-1.0, add=0.5)],
        root_parameter="pipeline_root", copied=True, drive=True,
    )  # fmt: skip
    assert Options.parse(options.to_args()[1]) == options


@pytest.mark.parametrize(
    ("binding", "value", "expected"),
    [
        (Binding("p", "x"), "text", "text"),
        (Binding("p", "x", form="{}/server"), "gs://b", "gs://b/server"),
        (Binding("p", "x", part="folder"), "gs://b/c/rows.csv", "gs://b/c"),
        (Binding("p", "x", part="file"), "gs://b/c/rows.csv", "rows.csv"),
        (Binding("p", "x", scale=-1.0, add=-0.5), 2.0, -2.5),
        (Binding("p", "x"), 3, 3),
    ],
)
def test_a_binding_writes_the_value_in_its_form(binding: Binding, value: Any, expected: Any) -> None:
    assert binding.value(value) == expected


@pytest.mark.parametrize("pointer", ["/missing", "/list/7", "/list/x", "/text/deeper"])
def test_a_pointer_to_nothing_is_an_error_and_never_silent(pointer: str) -> None:
    with pytest.raises(BindingError, match="is not in the node's settings"):
        bindings.replace({"list": [1], "text": "a"}, pointer, 2)


def test_pointers_escape_what_json_pointer_reserves() -> None:
    document = {"a/b": [{"~c": {"wanted": True}}]}
    [found] = bindings.pointers(document, lambda item: "wanted" in item)
    bindings.replace(document, f"{found}/wanted", False)
    assert document == {"a/b": [{"~c": {"wanted": False}}]}


def test_what_the_driver_found_out_stays_with_the_output() -> None:
    """TFX's executor code writes the artifact anew, without its span."""

    def output(**metadata: Any) -> dict[str, Any]:
        return {"artifacts": {"examples": {"artifacts": [{"uri": "gs://b/out", "metadata": metadata}]}}}

    found = inputs.keep_metadata(output(split_names="[]"), output(span=3.0, split_names="old"))
    assert found == output(span=3.0, split_names="[]")
    assert inputs.keep_metadata(output(split_names="[]"), {}) == output(split_names="[]")
