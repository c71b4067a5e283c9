"""V1, V2 over REST and gRPC, metadata and errors, over real sockets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from edgeline_serving.settings import Limits, Source
from edgeline_serving.wire.kserve_parts import InferInput, InferRequest, grpc_messages, grpc_services
from tests.conftest import TEXTS, Running, expected, push, serving


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two models in one process: three labels, and the same file with other names."""
    folder = tmp_path_factory.mktemp("push")
    for name in ("one", "two"):
        (folder / name).mkdir()
    push(folder / "one", "100")
    push(folder / "two", "7", labels=("bad", "so so", "schön"))
    sources = (Source("edge", folder / "one"), Source("edge", folder / "two", name="other"))
    with serving(*sources, grpc_port=0, limits=Limits(instances=8)) as server:
        server.folder = folder  # type: ignore[attr-defined]
        yield server


def infer(
    name: str, *values: Any, datatype: str = "BYTES", shape: list[int] | None = None, **more: Any
) -> dict[str, Any]:
    tensor = {"name": "text", "shape": shape or [len(values)], "datatype": datatype, "data": list(values)}
    return {"id": "42", "inputs": [tensor], **more}


def test_v1_gives_the_answers_of_the_device(running: Running) -> None:
    status, answer, headers = running.call(
        "POST", "/v1/models/sentiment:predict", {"instances": [TEXTS[0], {"text": TEXTS[1], "source": "tweet"}]}
    )
    assert status == 200
    assert answer == {"predictions": expected(running.folder / "one" / "100", TEXTS[:2])}  # type: ignore[attr-defined]
    assert headers["x-model-version"] == "100"
    assert len(headers["x-request-id"]) == 32
    assert running.call("POST", "/v1/models/sentiment:predict", {"instances": []})[:2] == (200, {"predictions": []})


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [TEXTS[0], {"text": TEXTS[1], "source": "tweet"}]},
        {"instances": ["schön \N{SNOWMAN} \ud83d\ude00", "", 3, {"source": "web"}, TEXTS[2]]},
        {"instances": [], "parameters": {"a": [1, None, True]}},
        {"instances": [""]},
        {"instances": [None]},
        {"instances": ["x"] * 9},
        {"instances": "one"},
        {"specversion": "1.0", "instances": ["a"]},
        {},
        [],
        None,
        b"no json",
        b'{"instances": [NaN]}',
        b'{"instances": ["\xff"]}',
        b'{"instances": ["a"], "instances": ["b"]}',
    ],
)
@pytest.mark.parametrize(
    "path", ["/v1/models/sentiment:predict", "/v1/models/other:predict", "/v1/models/none:predict"]
)
def test_the_short_way_gives_what_kserves_gives(running: Running, path: str, body: Any) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    # Where a header may mean a CloudEvent, and does not, KServe reads the request itself.
    ours, theirs = (
        running.call("POST", path, content, {"x-request-id": "r", **more}) for more in ({}, {"ce-none": "1"})
    )
    told = [{name: value for name, value in headers.items() if name != "date"} for *_, headers in (ours, theirs)]
    assert (*ours[:2], told[0]) == (*theirs[:2], told[1])


def test_kserves_own_histogram_counts_both_ways(running: Running) -> None:
    def counted() -> float:
        text = running.call("GET", "/metrics")[1]
        found = re.search(r'^request_predict_seconds_count\{model_name="other"\} (\S+)', text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    before = counted()
    for more in ({}, {"ce-none": "1"}):
        running.predict(TEXTS[0], name="other", **more)
    assert counted() == before + 2


def test_a_body_that_nobody_called_json_is_read_all_the_same(running: Running) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    path = "/v1/models/sentiment:predict"
    assert running.call("POST", path, b'{"instances": ["meh"]}', form)[0] == 200
    assert running.call("POST", path, b"text=secret", form)[:2] == (
        400,
        {"error": "the body is not JSON at character 0"},
    )


def test_several_models_answer_by_their_own_names(running: Running) -> None:
    assert running.call("GET", "/v1/models")[1] == {"models": ["sentiment", "other"]}
    assert set(running.predict("good film", name="other")[1]["predictions"][0]["scores"]) == {"bad", "so so", "schön"}
    assert running.predict("a", name="third") == (404, {"error": "Model with name third does not exist."})


def test_a_bad_row_is_told_in_its_place_and_the_others_are_answered(running: Running) -> None:
    status, answer = running.predict("good film", "", 7, {"txt": "a"}, "meh")
    assert status == 200
    errors = [row.get("error", "") for row in answer["predictions"]]
    assert errors == [
        "", "instances[1]: the text is empty", "instances[2] must be a string, is int", "instances[3] lacks 'text'", ""
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"{", 400, "Unrecognized request format"),
        (b"[]", 400, 'the body must be {"instances": ["a text"'),
        (b'{"instances": "a"}', 400, "the body must be"),
        (b'{"instances": ["", ""]}', 400, "the text is empty"),
        (b'{"instances": [1]}', 400, "instances[0] must be a string"),
        (b'{"instances": [%s"a"]}' % (b'"a",' * 8), 413, "9 rows, at most 8"),
    ],
)
def test_a_bad_request_is_told_why_in_kserves_form(running: Running, body: bytes, code: int, said: str) -> None:
    status, answer, _ = running.call("POST", "/v1/models/sentiment:predict", body)
    assert status == code
    assert list(answer) == ["error"]
    assert said in answer["error"]


def test_v2_gives_labels_and_probabilities_as_tensors(running: Running) -> None:
    status, answer, _ = running.call("POST", "/v2/models/sentiment/infer", infer("text", *TEXTS))
    wanted = expected(running.folder / "one" / "100", TEXTS)  # type: ignore[attr-defined]
    assert (status, answer["id"], answer["model_version"]) == (200, "42", "100")
    label, probabilities = answer["outputs"]
    assert label["data"] == [one["label"] for one in wanted]
    assert probabilities["shape"] == [4, 3]
    np.testing.assert_allclose(probabilities["data"], [p for one in wanted for p in one["scores"].values()], atol=1e-6)
    assert probabilities["parameters"]["labels"] == '["negative", "neutral", "positive"]'
    only = running.call("POST", "/v2/models/sentiment/infer", infer("text", "meh", outputs=[{"name": "label"}]))[1]
    assert [output["name"] for output in only["outputs"]] == ["label"]


def test_v2_takes_and_gives_tensors_in_binary_form(running: Running) -> None:
    texts = [*TEXTS, "[" * 40, "schön"]
    tensor = InferInput("text", [len(texts)], "BYTES")
    tensor.set_data_from_numpy(np.array([text.encode() for text in texts], object), binary_data=True)
    body, length = InferRequest("sentiment", [tensor], request_id="7").to_rest()
    headers = {"Inference-Header-Content-Length": str(length), "Content-Type": "application/octet-stream"}
    status, answer, _ = running.call("POST", "/v2/models/sentiment/infer", body, headers)
    assert status == 200, answer
    wanted = expected(running.folder / "one" / "100", texts)  # type: ignore[attr-defined]
    assert answer["outputs"][0]["data"] == [one["label"] for one in wanted]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"inputs": []}, "there is no input text"),
        ({}, "inputs: Field required"),
        (infer("text", 1, datatype="INT64"), "must be BYTES, is INT64"),
        (infer("text", 1), "its data must be strings"),
        (infer("text", "secret", shape=[2]), "are not [2] of BYTES"),
        (infer("text", "secret", shape=[1, 1, 1]), "must have the shape [rows]"),
        (infer("text", "a", ""), "row 1: the text is empty"),
        (infer("text", *["a"] * 9), "9 rows, at most 8"),
    ],
)
def test_a_bad_v2_request_is_told_why_and_never_quoted(running: Running, body: dict[str, Any], said: str) -> None:
    status, answer, _ = running.call("POST", "/v2/models/sentiment/infer", body)
    assert status in (400, 413)
    assert said in answer["error"]
    assert "secret" not in answer["error"]


def test_health_metadata_and_openapi(running: Running) -> None:
    assert running.call("GET", "/")[1] == {"status": "alive"}
    assert running.call("GET", "/v2/health/live")[1] == {"live": True}
    assert running.call("GET", "/v2/health/ready")[1] == {"ready": True}
    assert running.call("GET", "/v2/models/sentiment/ready")[1] == {"name": "sentiment", "ready": True}
    assert running.call("GET", "/v2/models/sentiment")[1] == {
        "name": "sentiment", "versions": ["100"], "platform": "edgeline_litert",
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
        "outputs": [{"name": "label", "datatype": "BYTES", "shape": [-1]},
                    {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]}],
    }  # fmt: skip
    paths = running.call("GET", "/openapi.json")[1]["paths"]
    assert {"/v1/models/{model_name}:predict", "/v2/models/{model_name}/infer", "/metrics"} <= set(paths)
    assert running.call("GET", "/nothing")[:2] == (404, {"error": "there is nothing here"})
    assert running.call("DELETE", "/v1/models")[:2] == (405, {"error": "this is asked with another method"})


def test_nobody_loads_or_unloads_a_model_from_outside(running: Running) -> None:
    for verb in ("load", "unload"):
        status, answer, _ = running.call("POST", f"/v2/repository/models/sentiment/{verb}")
        assert status == 501
        assert "push folder" in answer["error"]
    assert running.predict("meh")[0] == 200


def test_a_request_id_goes_through_and_an_odd_one_does_not(running: Running) -> None:
    def told(given: str) -> str:
        return running.call("GET", "/v1/models", headers={"X-Request-Id": given})[2]["x-request-id"]

    assert told("order-66") == "order-66"
    assert len(told("a b")) == len(told("x" * 200)) == 32


def test_metrics_count_requests_rows_and_versions(running: Running) -> None:
    running.predict("good film", "meh")
    text = running.call("GET", "/metrics")[1]
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(samples['edgeline_serving_version_info{model="other",role="live",version="7"}']) == 1
    assert float(samples['edgeline_serving_requests_total{model="sentiment",outcome="answered",version="100"}']) >= 1
    assert float(samples['request_predict_seconds_count{model_name="sentiment"}']) >= 1
    labels = [float(n) for name, n in samples.items() if name.startswith("edgeline_serving_predictions_total")]
    assert sum(labels) >= 2


@pytest.fixture(scope="module")
def stub(running: Running) -> Iterator[Any]:
    with grpc.insecure_channel(f"127.0.0.1:{running.rpc.port}") as channel:
        yield grpc_services.GRPCInferenceServiceStub(channel)


def message(*texts: str, model: str = "sentiment", raw: bool = False) -> Any:
    tensor = grpc_messages.ModelInferRequest.InferInputTensor(name="text", shape=[len(texts)], datatype="BYTES")
    content = [text.encode() for text in texts]
    if raw:
        packed = b"".join(len(item).to_bytes(4, "little") + item for item in content)
        return grpc_messages.ModelInferRequest(model_name=model, id="9", inputs=[tensor], raw_input_contents=[packed])
    tensor.contents.bytes_contents.extend(content)
    return grpc_messages.ModelInferRequest(model_name=model, id="9", inputs=[tensor])


@pytest.mark.parametrize("raw", [False, True])
def test_grpc_gives_the_same_answers(running: Running, stub: Any, raw: bool) -> None:
    answer = stub.ModelInfer(message(*TEXTS, raw=raw), timeout=10)
    wanted = expected(running.folder / "one" / "100", TEXTS)  # type: ignore[attr-defined]
    assert (answer.id, answer.model_version) == ("9", "100")
    by_name = {output.name: (number, output) for number, output in enumerate(answer.outputs)}
    number, output = by_name["probabilities"]
    found = (
        np.frombuffer(answer.raw_output_contents[number], np.float32)
        if answer.raw_output_contents
        else np.array(output.contents.fp32_contents)
    )
    np.testing.assert_allclose(found, [p for one in wanted for p in one["scores"].values()], atol=1e-6)


def test_grpc_tells_what_is_wrong_by_its_status(stub: Any) -> None:
    assert stub.ServerReady(grpc_messages.ServerReadyRequest(), timeout=10).ready
    assert stub.ModelMetadata(grpc_messages.ModelMetadataRequest(name="sentiment"), timeout=10).inputs[0].name == "text"
    for request, code, said in (
        (message("a", model="third"), grpc.StatusCode.NOT_FOUND, "third does not exist"),
        (message("", "a"), grpc.StatusCode.INVALID_ARGUMENT, "row 0: the text is empty"),
        (message(*["a"] * 9), grpc.StatusCode.RESOURCE_EXHAUSTED, "at most 8"),
    ):
        with pytest.raises(grpc.RpcError) as told:
            stub.ModelInfer(request, timeout=10)
        assert told.value.code() == code
        assert said in told.value.details()
    with pytest.raises(grpc.RpcError) as told:
        stub.RepositoryModelUnload(grpc_messages.RepositoryModelUnloadRequest(model_name="sentiment"), timeout=10)
    assert told.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_folder_of_one_bundle_and_a_bare_file_are_served_as_well(pushed: Path) -> None:
    for place, version in ((pushed / "100", "100"), (pushed / "100" / "model.tflite", "100")):
        with serving(Source("edge", place)) as server:
            assert server.call("GET", "/v2/models/sentiment")[1]["versions"] == [version]
