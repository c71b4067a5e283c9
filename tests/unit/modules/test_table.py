"""Text, number, category and picture: from raw rows through Transform and training to the answers of a bundle."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import modules  # noqa: F401
from modules.device import measure
from modules.inputs import kinds as inputs_lib
from modules.quality import scoring
from modules.rows import words
from modules.rows.raw import RawSplit
from modules.serving.student import save_student
from modules.targets.one_label.device import LabelOutput
from modules.tflite import parity, variants

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from edgeline_edge import Classifier, read_manifest
from tests.unit.chain_helpers import bundled

pytestmark = pytest.mark.slow
SHOPS = ("web", "köln", "a shop", "kiosk")
COLUMNS = ("body", "price", "shop", "photo")
RECIPE_NAMES = ("float32", "dynamic_wi8_afp32")


def rows(count: int, seed: int = 4) -> list[dict[str, Any]]:
    """A mood that text, price and shop tell together; some prices and shops are missing, some shops are rare."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        price, shop = chance.lognormvariate(3, 1), chance.choice(SHOPS)
        word = chance.choice(("good", "bad", "film"))
        votes = (word == "good") - (word == "bad") + (1 if price < 20 else -1) + (1 if shop == "kiosk" else 0)
        if number % 11 == 0:
            price = float("nan")
        if number % 7 == 0:
            shop = "" if number % 2 else f"rare {number}"
        text = " ".join(chance.choice(("film", "good film", "it was", word)) for _ in range(chance.randint(1, 12)))
        mood = "good" if votes > 0 else "bad"
        photo = b"" if number % 9 == 0 else photo_of(chance.randrange(256), number)
        found.append({"body": f"{word} {text}", "price": price, "shop": shop, "photo": photo, "mood": mood})
    return found


def photo_of(shade: int, number: int) -> bytes:
    """A picture of some size, in colours where the number is odd."""
    stream = io.BytesIO()
    shape = (5 + number % 9, 6 + number % 7, 3)
    noise = np.random.default_rng(number).integers(0, 40, shape).astype(np.uint8)
    image = Image.fromarray(np.maximum(noise, shade).astype(np.uint8))
    image.convert("RGB" if number % 2 else "L").save(stream, "JPEG" if number % 3 else "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def chain(
    tiny_backbone: dict[str, Any], tmp_path_factory: pytest.TempPathFactory, write_examples: Callable[..., str]
) -> SimpleNamespace:
    """Everything from raw rows to bundles, once."""
    folder = tmp_path_factory.mktemp("table")
    config = {
        "inputs": {
            "body": {"kind": "text", "column": "body", "sequence_length": 16, "backbone": tiny_backbone},
            "price": {"kind": "number", "column": "price"},
            "shop": {"kind": "category", "column": "shop"},
            "photo": {
                "kind": "image",
                "column": "photo",
                "height": 8,
                "width": 9,
                "channels": 1,
                "optional": True,
                "filters": [4],
                "vector": 4,
            },
        },
        "target": {"kind": "one_label", "column": "mood", "labels": ["bad", "good"]},
    }
    return bundled(
        config, rows(200), folder, write_examples, train_rows=152, recipes=RECIPE_NAMES, numbers=("price",),
        compression={
            "student": {"layers": 1, "importance_rows": 16}, "epochs": 2, "augmentation": {"copies": 1},
            "distillation": {"hidden": 0.1},
        },
    )  # fmt: skip


def record(row: dict[str, Any]) -> dict[str, Any]:
    """A row as a device is asked about it: what is missing is not there."""
    kept = {"body": row["body"], "price": None if row["price"] != row["price"] else row["price"]}
    return {**kept, **{name: row[name] for name in ("shop", "photo") if row[name]}}


def test_transform_scales_numbers_and_numbers_values_by_what_it_found(chain: SimpleNamespace) -> None:
    prices = np.array([row["price"] for row in chain.given])
    known = prices[~np.isnan(prices)]
    learnt = inputs_lib.learnt(chain.inputs, chain.graph)
    assert learnt["price"].learnt["mean"] == pytest.approx(known.mean(), rel=1e-5)
    assert learnt["price"].learnt["factor"] == pytest.approx(1 / known.std(), rel=1e-5)
    assert sorted(learnt["shop"].learnt["values"]) == sorted(SHOPS), "a rare value is none of its own"
    for row, found in zip(chain.given, chain.written, strict=True):
        assert found["price_number"][1] == float(np.isnan(row["price"]))
        assert (found["shop_category"] == [0]) == (row["shop"] == "")
        assert (found["shop_category"] == [1]) == row["shop"].startswith("rare")
    assert chain.teacher.architecture.inputs["shop"]["learnt"] == learnt["shop"].learnt


def test_a_device_makes_the_very_tensors_that_transform_made(chain: SimpleNamespace) -> None:
    from edgeline_edge.inputs import kinds

    table = kinds.table(read_manifest(chain.bundles["float32"]).inputs or ())
    for row, found in zip(chain.given, chain.written, strict=True):
        asked = record(row)
        made = {name: value for part in table for name, value in part.encode(asked.get(part.column)).items()}
        assert made["price_number"][0].tobytes() == np.array(found["price_number"], np.float32).tobytes()
        assert made["shop_category"].tolist() == found["shop_category"]
        [pixels] = found["photo_pixels"]
        assert made["photo_pixels"][0].tobytes() == tf.io.decode_png(pixels).numpy().tobytes()
        assert made["photo_present"].tolist() == [found["photo_present"]] == [[float(bool(row["photo"]))]]


def test_a_server_answers_rows_as_the_network_answers_transforms_output(chain: SimpleNamespace) -> None:
    served = tf.saved_model.load(chain.serving).signatures
    given = chain.given[152:]
    columns = {name: tf.constant([row[name] for row in given]) for name in COLUMNS}
    answer = served["serving_rows"](**columns)
    expected = chain.teacher.model.predict(chain.evaluation.features, verbose=0)
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    moods = [row["mood"] for row in given]
    right = np.mean([label.decode() == mood for label, mood in zip(answer["label"].numpy(), moods, strict=True)])
    assert right > 0.8, "the text alone tells two of three"
    text = tf.train.Feature(bytes_list=tf.train.BytesList(value=[given[0]["body"].encode()]))
    alone = tf.train.Example(features=tf.train.Features(feature={"body": text})).SerializeToString()
    nothing = {"body": columns["body"][:1], "price": tf.constant([np.nan])}
    nothing |= {name: tf.constant([""]) for name in ("shop", "photo")}
    np.testing.assert_allclose(
        served["serving_default"](examples=tf.constant([alone]))["probabilities"],
        served["serving_rows"](**nothing)["probabilities"], atol=1e-6,
    )  # fmt: skip


def test_a_student_learns_of_the_table_and_answers_rows_with_its_own_words(chain: SimpleNamespace) -> None:
    student = chain.made.trained
    before, after = (table_weights(model) for model in (chain.teacher, student))
    assert all(not np.array_equal(before[name], after[name]) for name in before), "it is tuned, not copied"
    scores = chain.made.record["eval_accuracy"]
    assert scores["student"] >= scores["teacher"] - 0.1
    folder = str(chain.folder / "student")
    save_student(student, folder, inputs=chain.inputs, target=chain.target)
    own = words.of("text").renumbered(chain.evaluation, chain.teacher.vocabulary, student.vocabulary)
    columns = {name: tf.constant([row[name] for row in chain.given[152:]]) for name in COLUMNS}
    answer = tf.saved_model.load(folder).signatures["serving_rows"](**columns)
    np.testing.assert_allclose(answer["probabilities"], student.model.predict(own.features, verbose=0), atol=1e-5)


def table_weights(trained: Any) -> dict[str, np.ndarray]:
    from modules.network.weights import read_weights

    others = read_weights(trained.model).others
    return {f"{name}/{number}": array for name, arrays in others.items() for number, array in enumerate(arrays)}


@pytest.mark.parametrize("recipe", RECIPE_NAMES)
def test_a_bundle_answers_each_row_as_its_file_answers_transforms_tensors(chain: SimpleNamespace, recipe: str) -> None:
    folder = str(chain.folder / "variants")
    student = chain.made.trained
    own = words.of("text").renumbered(chain.evaluation, chain.teacher.vocabulary, student.vocabulary)
    layout = inputs_lib.layout(chain.inputs)
    expected = parity.run(variants.read_model(folder, recipe), own.features, layout, LabelOutput())
    answers = Classifier.load(chain.bundles[recipe]).predict([record(row) for row in chain.given[152:]])
    np.testing.assert_allclose([list(answer.scores.values()) for answer in answers], expected, atol=1e-5)
    if recipe == "float32":  # what rounding costs so small a network is not the point here
        network = student.model.predict(own.features, verbose=0)
        np.testing.assert_allclose(expected, network, atol=1e-5)
        assert chain.index["variants"][recipe]["parity"]["max_abs"] < 1e-5


def test_bundles_are_measured_by_records_and_keep_answers_to_made_up_ones(chain: SimpleNamespace) -> None:
    given = chain.given[152:]
    split = RawSplit(
        [row["body"] for row in given], chain.target.truth([row["mood"] for row in given]),
        {"shop": [row["shop"] for row in given]}, [],
        {name: [row[name] for row in given] for name in COLUMNS[1:]},
    )  # fmt: skip
    found = measure.measure(chain.bundles, chain.index, split, scoring.of(chain.target), cost=None)
    assert found["float32"]["accuracy"] > 0.75
    assert set(found["float32"]["slices"]) >= {f"shop:{name}" for name in SHOPS}
    manifest = read_manifest(chain.bundles["float32"])
    texts = {row["body"] for row in chain.given}
    assert manifest.probes
    assert not texts & {probe["record"]["body"] for probe in manifest.probes}, "nobody's data"
    assert {probe["record"]["price"] is None for probe in manifest.probes} == {True, False}
