"""Whether the peers compute what we do. Needs `make bench-peers`; run by `make bench-test`, not by CI."""

# ruff: noqa: D103

import json
import subprocess
from pathlib import Path

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.network.architecture import Architecture
from modules.network.model import build_model
from modules.network.trained import Trained

import numpy as np
import pytest

from benchmarks.harness import command
from benchmarks.harness.worker import ROOT, Worker
from benchmarks.ours.export import write_network

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz"]
SHAPES = {
    "plain": {},
    "cut": {"head_dim": 8, "layer_heads": (3, 2), "layer_intermediate_dims": (40, 24)},
    "tanh": {"activation": "gelu_tanh"},
}


def _trained(**changes) -> Trained:
    architecture = Architecture(
        vocabulary_size=len(VOCABULARY), num_layers=2, num_heads=4, hidden_dim=32, intermediate_dim=64,
        max_sequence_length=16, num_classes=3, **changes,
    )  # fmt: skip
    model = build_model(architecture, dropout=0.0)
    rng = np.random.default_rng(1)  # zeros as biases and ones as scales would hide a mix-up
    model.set_weights([rng.normal(scale=0.3, size=value.shape).astype(np.float32) for value in model.get_weights()])
    return Trained(model, architecture, VOCABULARY, ["x", "y", "z"])


@pytest.fixture(scope="module", params=sorted(SHAPES))
def exported(request, tmp_path_factory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp(request.param)
    write_network(_trained(**SHAPES[request.param]), "blessed", folder)
    done = subprocess.run(
        [str(command.peers()), "-m", "benchmarks.peers.export_onnx", str(folder), "blessed"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return folder, json.loads(done.stdout.strip().splitlines()[-1])


def test_the_network_in_pytorch_and_onnx_gives_the_probabilities_of_the_keras_model(exported):
    _, record = exported
    assert record["torch_difference"] < 1e-4
    assert record["onnx_difference"] < 1e-4


def test_quantization_makes_the_file_smaller_and_what_fails_is_told(exported):
    folder, record = exported
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.onnx")}
    assert sizes["blessed.int8.onnx"] < sizes["blessed.float32.onnx"]
    # ONNX Runtime's optimizer wants the same number of heads in every layer.
    uneven = len(set(json.loads((folder / "blessed.json").read_text())["layer_heads"] or [4])) > 1
    assert set(record["failed"]) <= ({"fused.int8"} if uneven else set()), record["failed"]
    assert ("fused.int8" in record["failed"]) == ("blessed.fused.int8.onnx" not in sizes)


def test_the_peer_answers_texts_of_any_length_with_labels_and_times(exported):
    folder, _ = exported
    arguments = [str(folder / "blessed.int8.onnx"), str(folder / "blessed.vocabulary.txt"), "16", "1"]
    with Worker("benchmarks.peers.inference", arguments, interpreter=str(command.peers())) as worker:
        answer = worker.ask(texts=["a b c", "a " * 100, " "])
    assert len(answer["labels"]) == len(answer["ms"]) == 3
    assert set(answer["labels"]) <= {0, 1, 2}
    assert answer["peak_bytes"] > 0


def test_a_network_that_computes_something_else_is_refused(tmp_path: Path):
    write_network(_trained(), "blessed", tmp_path)
    with np.load(tmp_path / "blessed.npz") as arrays:
        changed = dict(arrays)
    changed["layers.1.feedforward_kernel"] = -changed["layers.1.feedforward_kernel"]
    np.savez(tmp_path / "blessed.npz", **changed)
    done = subprocess.run(
        [str(command.peers()), "-m", "benchmarks.peers.export_onnx", str(tmp_path), "blessed"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "is the same network" in done.stderr
