"""What the tests share: a tiny bundle, made from the committed model."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeline_edge import Classifier, write_bundle

# `tests.tools` of the folder above finds the programs that some tests need, also when pytest is started in this one.
sys.path.append(str(Path(__file__).parents[2]))
# For the processes that tests start, whether the package is installed or not.
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
from tests.readers import KOTLIN, Native, compiled, started

DATA = Path(__file__).parent / "data"
LABELS = ("negative", "neutral", "positive")
MANIFEST: dict[str, Any] = {"task": "sentiment", "recipe": "dynamic_wi8_afp32", "run_id": "r1", "licence": "Apache-2.0"}


@pytest.fixture(scope="session")
def tiny() -> bytes:
    """A TFLite model with the signature of bundles."""
    return (DATA / "tiny.tflite").read_bytes()


@pytest.fixture(scope="session")
def vocabulary() -> list[str]:
    """The vocabulary of the tiny model."""
    return (DATA / "vocab.txt").read_text("utf-8").split("\n")[:-1]


@pytest.fixture(scope="session")
def bundle_path(tiny: bytes, vocabulary: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle; not to be written to."""
    path = tmp_path_factory.mktemp("bundle") / "model.tflite"
    write_bundle(tiny, path, vocabulary=vocabulary, labels=LABELS, manifest=MANIFEST)
    return path


@pytest.fixture(scope="session")
def classifier(bundle_path: Path) -> Classifier:
    """The bundle, loaded."""
    return Classifier.load(bundle_path)


@pytest.fixture(scope="session")
def pieces_path(tiny: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with a table of pieces, of which the tiny model has embeddings for the first."""
    table = (DATA / "unigram" / "pieces.tsv").read_text("utf-8").split("\n")[:300]
    path = tmp_path_factory.mktemp("pieces") / "model.tflite"
    write_bundle(tiny, path, vocabulary=table, labels=LABELS, manifest=MANIFEST)
    return path


@pytest.fixture(scope="session")
def offers_path(vocabulary: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a text, a number and a category, with all that the manifest can say of how they are answered."""
    text = {"long_text": "windows", "max_windows": 3, "tensors": ["token_ids", "padding_mask"]}
    inputs = [
        {"name": "price", "kind": "number", "column": "price", "tensors": ["price"],
         "mean": 0.10000000149011612, "factor": 3.299999952316284, "limit": 10.0},
        {"name": "text", "kind": "text", "column": "review", **text},
        {"name": "shop", "kind": "category", "column": "größe", "tensors": ["shop"], "values": ["web", "köln", "a\nb"]},
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("offers") / "model.tflite"
    model, manifest = (DATA / "table.tflite").read_bytes(), {**MANIFEST, "calibration": {"temperature": 1.5}}
    write_bundle(model, path, vocabulary=vocabulary, labels=LABELS, manifest=manifest, inputs=inputs)
    return path


@pytest.fixture(scope="session", params=["c++", *(["kotlin"] if KOTLIN else [])])
def native(request: pytest.FixtureRequest, cpp: Native) -> Native:
    """The program of the C++ headers, then that of the Kotlin reader where `EDGELINE_KOTLIN` says how it is started."""
    return cpp if request.param == "c++" else started(KOTLIN)


@pytest.fixture(scope="session")
def cpp(tmp_path_factory: pytest.TempPathFactory) -> Native:
    """The program of the C++ headers, compiled once."""
    return compiled(tmp_path_factory.mktemp("cpp") / "try")


@pytest.fixture(scope="session")
def camera_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle without a text: a picture that may be missing, readings of two steps, and a time."""
    inputs = [
        {"name": "photo", "kind": "image", "column": "photo", "tensors": ["photo_pixels", "photo_present"],
         "height": 6, "width": 8, "channels": 3, "resize": "area", "factor": 1 / 255, "offset": 0.0},
        {"name": "lidar", "kind": "vector", "column": "lidar", "tensors": ["lidar"], "shape": [2, 3],
         "means": [0.25, 1.0, 0.0], "factors": [1.5, 0.5, 1.0], "limit": 10.0},
        {"name": "seen", "kind": "time", "column": "seen", "tensors": ["seen"],
         "cycles": ["hour_of_day", "day_of_week"], "clock": "utc"},
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("camera") / "model.tflite"
    model = (DATA / "camera.tflite").read_bytes()
    write_bundle(model, path, vocabulary=(), labels=LABELS, manifest=MANIFEST, inputs=inputs)
    return path
