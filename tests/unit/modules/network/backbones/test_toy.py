"""A backbone of one's own comes by `extensions`, without an edit of a source file, and becomes a student."""

from __future__ import annotations

from pathlib import Path

from modules.entry_settings import TransformNodeSettings
from modules.inputs import kinds
from modules.network import anatomy
from modules.network.backbones.base import BACKBONES
from modules.network.backbones.initial import INITIAL, Task
from modules.network.model import build_model
from modules.network.pretrained import build_classifier
from modules.network.weights import read_weights, write_weights
from modules.student import structured
from modules.targets.one_label.distillation import LabelDistillation

import numpy as np
import pytest
import tf_keras

from pipeline.config import loader
from pipeline.graph.settings import features, vocabulary_digest

TASK = """
task: toys
labels: [bad, good]
schema_path: schemas/sentiment.pbtxt
data: {path: rows.csv}
preprocessing: {sequence_length: 12}
extensions: [tests.toys.backbone]
backbone: {kind: toy, words: WORDS}
"""


@pytest.fixture
def file(tmp_path: Path, vocabulary_file: Path) -> Path:
    path = tmp_path / "toys.yaml"
    path.write_text(TASK.replace("WORDS", str(vocabulary_file)), encoding="utf-8")
    return path


def test_it_is_built_trained_for_a_step_looked_into_and_cut(file: Path) -> None:
    config = loader.load(file)
    tf_keras.utils.set_random_seed(3)
    tokens = Path(config.backbone.vocabulary_path()).read_text(encoding="utf-8").count("\n")
    model, architecture = build_classifier(
        config.backbone, vocabulary_size=tokens, num_classes=2, sequence_length=12, dropout=0.0, policy="float32"
    )
    given = INITIAL["toy"](config.backbone, Task(tokens, 2, 12)).weights
    assert np.array_equal(read_weights(model).layers[1].query_kernel, given.layers[1].query_kernel), "its own weights"

    chance = np.random.default_rng(1)
    ids = chance.integers(1, tokens, (16, 12)).astype(np.int32)
    features = {"token_ids": ids, "padding_mask": np.ones_like(ids)}
    labels = chance.integers(0, 2, 16).astype(np.int32)
    model.compile(tf_keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    losses = [model.train_on_batch(features, labels) for _ in range(10)]
    assert losses[-1] < losses[0]

    parts = anatomy.of(model)
    assert [len(layer.parts) for layer in parts.layers] == [8, 8]
    assert "layer_1/feedforward/output" in parts.sparsity()

    importance = structured.measure_importance(model, [(features, labels)], LabelDistillation().plain_loss)
    plan = structured.make_plan(importance, layers=1, heads=0.5, neurons=0.5)
    weights, smaller = structured.rebuild(read_weights(model), architecture, plan)
    student = build_model(smaller, dropout=0.0)
    write_weights(student, weights)
    assert (smaller.heads, smaller.intermediate_dims) == ((2,), (32,))
    assert np.array_equal(student.get_layer("logits").get_weights()[0], model.get_layer("logits").get_weights()[0])


def test_its_own_file_counts_for_the_cache_and_its_section_survives_a_nodes_settings(file: Path) -> None:
    config = loader.load(file)
    before = vocabulary_digest(config)
    own = file.with_name("words.txt")
    own.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n", encoding="utf-8")
    other = loader.load(file, overrides=[f"backbone.words={own}"])
    assert before
    assert vocabulary_digest(other) not in (None, before)
    told = TransformNodeSettings(**features(config, "Transform"))
    inputs = TransformNodeSettings.from_json(told.to_json()).inputs
    assert kinds.with_backbone(inputs).backbone == config.backbone
    assert config.backbone.model_dump()["width"] == 16


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("backbone.width=18", "backbone.width: input should be a multiple of 4"),
        ("backbone.wdth=16", "backbone.wdth: there is no such field. Did you mean `width`?"),
        ("backbone.kind=tyo", "'tyo' is no kind of backbone; there are: minilm, multilingual, preset, scratch, toy"),
    ],
)
def test_its_section_is_checked_like_any_other(file: Path, override: str, told: str) -> None:
    with pytest.raises(loader.ConfigError) as caught:
        loader.load(file, overrides=[override])
    assert told in str(caught.value)


def test_a_kind_whose_name_is_taken_is_refused() -> None:
    with pytest.raises(ValueError, match="there is a kind of backbone named 'minilm' already"):
        BACKBONES.register("minilm")(type("Other", (), {}))
