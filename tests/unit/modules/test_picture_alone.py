"""A picture alone: training, a student with pruned convolutions, files of eight bits, a bundle that answers."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from edgeline_edge import Classifier, read_manifest
from tests.unit.chain_helpers import bundled

pytestmark = pytest.mark.slow
RECIPE_NAMES = ("float32", "dynamic_wi8_afp32", "image_wi8_ai8")


def rows(count: int) -> list[dict[str, Any]]:
    """Bars that lie or stand, on noise."""
    rng = np.random.default_rng(3)
    found = []
    for number in range(count):
        pixels = rng.integers(0, 90, (24, 20)).astype(np.uint8)
        at = rng.integers(2, 16)
        if number % 2:
            pixels[at : at + 3] = 230
        else:
            pixels[:, at : at + 3] = 230
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        found.append({"photo": stream.getvalue(), "way": "lies" if number % 2 else "stands"})
    return found


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, write_examples: Callable[..., str]) -> SimpleNamespace:
    """Everything from raw rows to bundles, once."""
    folder = tmp_path_factory.mktemp("photo")
    photo = {
        "kind": "image", "column": "photo", "height": 12, "width": 10, "channels": 1, "filters": [8, 8], "vector": 8,
    }  # fmt: skip
    config = {
        "inputs": {"photo": photo},
        "target": {"kind": "one_label", "column": "way", "labels": ["lies", "stands"]},
    }
    return bundled(
        config, rows(160), folder, write_examples, train_rows=120, recipes=RECIPE_NAMES, calibration_rows=32,
        compression={
            "student": {"importance_rows": 16}, "epochs": 2, "augmentation": {"copies": 0},
            "pruning": {"targets": ["input/photo/*_conv"], "sparsity": 0.5, "frequency": 2},
        },
    )  # fmt: skip


def test_a_picture_alone_is_learnt_and_a_server_and_a_device_agree(chain: SimpleNamespace) -> None:
    given = chain.given[120:]
    served = tf.saved_model.load(chain.serving).signatures["serving_rows"]
    answer = served(photo=tf.constant([row["photo"] for row in given]))
    right = [label.decode() == row["way"] for label, row in zip(answer["label"].numpy(), given, strict=True)]
    assert np.mean(right) > 0.9
    device = Classifier.load(chain.bundles["reference"]).predict([{"photo": row["photo"]} for row in given])
    found = [list(one.scores.values()) for one in device]
    np.testing.assert_allclose(found, answer["probabilities"], atol=1e-5)
    arrays = [{"photo": np.asarray(Image.open(io.BytesIO(row["photo"])))} for row in given]
    assert Classifier.load(chain.bundles["reference"]).predict(arrays) == device


def test_convolutions_of_the_student_are_pruned(chain: SimpleNamespace) -> None:
    sparsity = chain.made.record["sparsity"]
    convolutions = [value for name, value in sparsity.items() if name.endswith("_conv")]
    assert len(convolutions) == 4
    assert all(value == pytest.approx(0.5, abs=0.02) for value in convolutions)
    scores = chain.made.record["eval_accuracy"]
    assert scores["student"] > 0.85


def test_eight_bits_shrink_the_convolutions_and_answer_alike(chain: SimpleNamespace) -> None:
    found = chain.index["variants"]
    assert not [name for name, record in found.items() if "error" in record]
    for name in RECIPE_NAMES[1:]:
        assert found[name]["parity"]["agreement"] > 0.9
        given = [{"photo": row["photo"]} for row in chain.given[120:]]
        floats, eight = (Classifier.load(chain.bundles[one]).predict(given) for one in ("float32", name))
        assert np.mean([a.label == b.label for a, b in zip(floats, eight, strict=True)]) > 0.9
    assert found["image_wi8_ai8"]["operations"]["QUANTIZE"] >= 1


def test_the_bundle_says_how_a_picture_is_resized(chain: SimpleNamespace) -> None:
    manifest = read_manifest(chain.bundles["image_wi8_ai8"])
    [section] = manifest.inputs or ()
    assert {name: section[name] for name in ("kind", "height", "width", "channels", "resize")} == {
        "kind": "image", "height": 12, "width": 10, "channels": 1, "resize": "area",
    }  # fmt: skip
    assert section["offset"] == 0.0
    assert manifest.signature["inputs"] == {"photo_pixels": {"dtype": "uint8", "shape": [1, 12, 10, 1]}}
    assert len(manifest.probes or ()) == 3
