"""`modules.serving.server`: the four ways into the SavedModel, and that all of them give one answer."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.inputs.text.input import Text
from modules.network.backbones import base as backbones
from modules.network.pretrained import build_classifier
from modules.serving import server as signatures
from modules.targets.one_label.target import OneLabel
from modules.text import tokenization

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from edgeline_edge import Tokenizer

TEXTS = ["Good film", "", "an awful, boring CAFÉ " * 10, "[CLS] \x00 🙂"]


@pytest.fixture(scope="module")
def served(
    tiny_backbone: dict[str, Any], transform_graph: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The signatures of a saved and loaded model."""
    vocabulary = tokenization.load_vocabulary(tiny_backbone["vocabulary"])
    tf.random.set_seed(1)
    model, _ = build_classifier(
        backbones.read(tiny_backbone), vocabulary_size=len(vocabulary), num_classes=2, sequence_length=16, dropout=0.3,
        policy="float32",
    )  # fmt: skip
    model.set_weights([weight * 10 for weight in model.get_weights()])  # so that answers differ visibly
    text = Text(name="text", column="text", sequence_length=16, backbone=tiny_backbone)
    target = OneLabel(column="label", labels=["bad", "schön"])
    graph = tft.TFTransformOutput(transform_graph)
    server = signatures.Server(model, graph, inputs={"text": text}, target=target)
    folder = str(tmp_path_factory.mktemp("served"))
    signatures.save(server, folder)
    loaded = tf.saved_model.load(folder)
    return {"loaded": loaded, "folder": folder, "vocabulary": vocabulary, **loaded.signatures}


def example(text: str, **others: Any) -> bytes:
    features = {"text": tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))}
    for name, value in others.items():
        if isinstance(value, float):
            features[name] = tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        else:
            features[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def test_all_promised_signatures_are_there(served: dict[str, Any]) -> None:
    assert set(served["loaded"].signatures) == {"serving_default", "serving_text", "transform_features", "tokens"}


def test_the_requests_that_tensorflow_serving_warms_up_with_can_be_answered(served: dict[str, Any]) -> None:
    file = f"{served['folder']}/assets.extra/tf_serving_warmup_requests"
    requests = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        for record in tf.data.TFRecordDataset(file)
    ]
    assert len(requests) > 1
    for request in requests:
        inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        answer = served[request.model_spec.signature_name](**inputs)
        assert len(answer["label"]) == request.inputs["text"].tensor_shape.dim[0].size > 0


def test_tensorflow_serving_takes_examples_in_its_rest_form(served: dict[str, Any]) -> None:
    """`{"instances": [{"b64": …}]}` names no input, so there is one; its reader makes a vector of bytes of the rows."""
    graph = saved_model_pb2.SavedModel.FromString(Path(served["folder"], "saved_model.pb").read_bytes()).meta_graphs[0]
    assert list(graph.meta_info_def.tags) == ["serve"]
    signature = graph.signature_def["serving_default"]
    [(name, given)] = signature.inputs.items()
    assert signature.method_name == "tensorflow/serving/predict"
    assert (given.dtype, [dim.size for dim in given.tensor_shape.dim]) == (tf.string.as_datatype_enum, [-1])
    assert all(output.tensor_shape.dim[0].size == -1 for output in signature.outputs.values()), "an answer a row"
    body = json.dumps({"instances": [{"b64": base64.b64encode(example(text)).decode()} for text in TEXTS]})
    rows = [base64.b64decode(instance["b64"]) for instance in json.loads(body)["instances"]]
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = "serving_default"
    request.inputs[name].CopyFrom(tf.make_tensor_proto(rows, tf.string))
    sent = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    answer = served["serving_default"](**{name: tf.constant(tf.make_ndarray(sent.inputs[name]))})
    by_text = served["serving_text"](text=tf.constant(TEXTS))
    assert answer["label"].numpy().tolist() == by_text["label"].numpy().tolist()


def test_texts_are_answered_with_probabilities_and_a_label(served: dict[str, Any]) -> None:
    answer = served["serving_text"](text=tf.constant(TEXTS))
    probabilities = answer["probabilities"].numpy()
    assert probabilities.shape == (4, 2)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    names = [["bad", "schön"][index] for index in probabilities.argmax(axis=1)]
    assert [label.decode() for label in answer["label"].numpy()] == names


def test_every_way_in_gives_the_same_answer(served: dict[str, Any]) -> None:
    expected = served["serving_text"](text=tf.constant(TEXTS))["probabilities"].numpy()
    examples = served["serving_default"](examples=tf.constant([example(text) for text in TEXTS]))
    ids, mask = tokenization.wordpiece(tf.constant(TEXTS), served["vocabulary"], 16)
    tokens = served["tokens"](token_ids=ids, padding_mask=mask)
    for answer in (examples, tokens):
        np.testing.assert_allclose(answer["probabilities"].numpy(), expected, atol=1e-6)


def test_an_answer_does_not_depend_on_the_other_texts_of_the_batch(served: dict[str, Any]) -> None:
    together = served["serving_text"](text=tf.constant(TEXTS))["probabilities"].numpy()
    alone = [served["serving_text"](text=tf.constant([text]))["probabilities"].numpy()[0] for text in TEXTS]
    np.testing.assert_allclose(together, alone, atol=1e-5)  # a batch of another size may be summed in another order


def test_asking_twice_gives_the_same_answer_so_no_dropout_is_left_on(served: dict[str, Any]) -> None:
    one, other = (served["serving_text"](text=tf.constant(TEXTS))["probabilities"].numpy() for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_an_example_may_carry_more_than_the_text_and_needs_no_label(served: dict[str, Any]) -> None:
    bare, full = example("good"), example("good", label=b"bad", number=1.0, unknown=b"x")
    answer = served["serving_default"](examples=tf.constant([bare, full]))["probabilities"].numpy()
    np.testing.assert_allclose(answer[0], answer[1], atol=1e-6)


def test_an_example_without_a_text_is_an_error(served: dict[str, Any]) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="text"):
        served["serving_default"](examples=tf.constant([tf.train.Example().SerializeToString()]))


def test_evaluator_gets_the_label_ids_and_features_of_transform(served: dict[str, Any]) -> None:
    examples = [example("good film", label=label, number=1.5) for label in (b"good", b"bad", b"?")]
    features = served["transform_features"](examples=tf.constant(examples))
    assert features["label_id"].numpy().ravel().tolist() == [1, 0, -1]
    ids, _ = tokenization.wordpiece(tf.constant(["good film"]), served["vocabulary"], 16)
    assert features["token_ids"].numpy()[0].tolist() == ids.numpy()[0].tolist()
    assert features["number"].dtype == tf.float32


def test_the_converter_gets_a_fixed_window_of_small_integers(served: dict[str, Any]) -> None:
    _, inputs = served["tokens"].structured_input_signature
    assert {name: (spec.shape.as_list(), spec.dtype) for name, spec in inputs.items()} == {
        "token_ids": ([None, 16], tf.int32), "padding_mask": ([None, 16], tf.int32),
    }  # fmt: skip


def test_an_empty_batch_is_answered_with_nothing(served: dict[str, Any]) -> None:
    answer = served["serving_text"](text=tf.constant([], tf.string))
    assert answer["probabilities"].shape == (0, 2)
    assert answer["label"].shape == (0,)


def test_windows_of_a_text_are_answered_in_one_call_by_their_mean(
    tiny_backbone: dict[str, Any], transform_graph: str, served: dict[str, Any]
) -> None:
    vocabulary = served["vocabulary"]
    model, _ = build_classifier(
        backbones.read(tiny_backbone), vocabulary_size=len(vocabulary), num_classes=2, sequence_length=16, dropout=0.3,
        policy="float32",
    )  # fmt: skip
    model.set_weights([weight * 10 for weight in model.get_weights()])
    text = Text(
        name="text", column="text", sequence_length=16, long_text="windows", max_windows=3, backbone=tiny_backbone
    )
    target = OneLabel(column="label", labels=["bad", "schön"])
    server = signatures.Server(model, tft.TFTransformOutput(transform_graph), inputs={"text": text}, target=target)
    made = server.signatures()
    answer = made["serving_text"](tf.constant(TEXTS))["probabilities"].numpy()
    tokenizer = Tokenizer(vocabulary, 16)
    counts = []
    for found, sent in zip(answer, TEXTS, strict=True):
        windows = tokenizer.cut(sent, "windows", 3)
        ids, mask = tokenizer.rows(windows)
        counts.append(len(windows))
        expected = model({"token_ids": ids, "padding_mask": mask}, training=False).numpy().mean(axis=0)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert counts == [1, 1, 3, 1]
    ids, mask = tokenization.windows(tf.constant(TEXTS), vocabulary, 16, 3)
    np.testing.assert_allclose(made["tokens"](ids, mask)["probabilities"], answer, atol=1e-6)
    assert made["serving_text"](tf.constant([], tf.string))["probabilities"].shape == (0, 2)
    none = made["tokens"](tf.zeros_like(ids), tf.zeros_like(mask))["probabilities"].numpy()
    assert not none.any(), "a row without a token has no answer, and takes none from another row"
