"""What all tests share. `modules` is imported before anything else: it settles Keras 2 for the whole process."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import modules  # noqa: F401

import pytest

# TensorFlow's C++ log would drown a failing test's own output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The project's top folder."""
    return ROOT


@pytest.fixture
def tmp_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder in place of the user's."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("EDGELINE_CACHE", str(folder))
    return folder


@pytest.fixture
def float32_policy() -> Iterator[None]:
    """Plain float32 before a test that sets a precision policy, and again after it."""
    import tf_keras

    tf_keras.mixed_precision.set_global_policy("float32")
    yield
    tf_keras.mixed_precision.set_global_policy("float32")


@pytest.fixture(scope="session")
def vocabulary_file(repository: Path) -> Path:
    """A small WordPiece vocabulary, uncased: letters, digits, punctuation, common words and suffixes."""
    return repository / "tests" / "data" / "vocab.txt"


@pytest.fixture(scope="session")
def tiny_backbone(vocabulary_file: Path) -> dict[str, Any]:
    """The `backbone` section of a network that trains in milliseconds."""
    shape = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16}
    return {"kind": "scratch", "vocabulary": str(vocabulary_file), **shape}


def pytest_unconfigure() -> None:
    """Keeps protobuf from crashing when the interpreter ends.

    Messages that a Beam or TFX object still holds are freed after protobuf's module is: the process then dies of a
    segmentation fault (exit code 139) after all tests have passed. Frozen objects are not collected at the end.
    """
    gc.freeze()
