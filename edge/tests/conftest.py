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
