"""A task of a few words and networks of a few thousand weights, for the tests of the compression modules."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.inputs import kinds as inputs_lib
from modules.inputs.base import Input
from modules.network.architecture import Architecture
from modules.network.model import build_model
from modules.network.trained import Trained
from modules.rows.transformed import Examples
from modules.student.settings import FineTuning, PrunerSettings, PruningSettings, QuantizationAwareSettings
from modules.student.stages.values import Given
from modules.targets.one_label.device import LabelOutput
from modules.tensors import Layout, Tensor
from modules.text.features import PADDING_MASK, TOKEN_IDS
from modules.tflite import parity

import numpy as np

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
GOOD, BAD, OTHER = ["good", "great", "fine", "nice"], ["bad", "awful", "poor", "dull"], ["film", "book", "song", "meal"]
RARE = ["thermostat", "##ization", "zebra", "thermo", "##stat"]
LETTERS = [*string.ascii_lowercase, *(f"##{letter}" for letter in string.ascii_lowercase)]
VOCABULARY = [*SPECIAL, *LETTERS, *GOOD, *BAD, *OTHER, *RARE]
LENGTH = 16


class TextRows(Examples):
    """Rows of which a network reads token windows, with names for these."""

    @property
    def token_ids(self) -> np.ndarray:
        return self.features[TOKEN_IDS]

    @property
    def padding_mask(self) -> np.ndarray:
        return self.features[PADDING_MASK]


def text_rows(token_ids: np.ndarray, padding_mask: np.ndarray, labels: np.ndarray) -> TextRows:
    names = (TOKEN_IDS, PADDING_MASK)
    return TextRows({TOKEN_IDS: token_ids, PADDING_MASK: padding_mask}, labels, names, PADDING_MASK)


def text_layout(length: int = LENGTH) -> Layout:
    """What a network reads of a text."""
    tensors = tuple(Tensor(name, "int32", (length,), window=True) for name in (TOKEN_IDS, PADDING_MASK))
    return Layout(tensors, PADDING_MASK)


def text_inputs(length: int = LENGTH, **more: Any) -> dict[str, Input]:
    """The inputs of a task with a text alone."""
    section = {"kind": "text", "column": "text", "sequence_length": length, "backbone": {"kind": "scratch"}}
    return inputs_lib.read({"text": {**section, **more}})


def ran(content: bytes, rows: Examples) -> np.ndarray:
    """The probabilities of a file."""
    return parity.run(content, rows.features, text_layout(), LabelOutput())


def compared(expected: np.ndarray, got: np.ndarray, **more: Any) -> parity.Parity:
    return parity.compare(expected, got, LabelOutput(), **more)


def architecture(**changes: object) -> Architecture:
    shape: dict = {
        "vocabulary_size": len(VOCABULARY),
        "num_layers": 2,
        "num_heads": 4,
        "hidden_dim": 32,
        "intermediate_dim": 64,
        "max_sequence_length": LENGTH,
        "num_classes": 2,
    }
    return Architecture(**{**shape, **changes})


def random_trained(seed: int = 0, **changes: object) -> Trained:
    """A network with random weights that are large enough to matter."""
    shapes = architecture(**changes)
    model = build_model(shapes, dropout=0.0)
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        noise = rng.normal(0, 0.2, variable.shape)
        variable.assign(1 + noise if "gamma" in variable.name else noise)
    return Trained(model, shapes, list(VOCABULARY[: shapes.vocabulary_size]), ["bad", "good"])


def examples(count: int, seed: int = 0, noise: float = 0.0) -> TextRows:
    """Texts of opinions and things; the label says which opinion is the more frequent."""
    rng = np.random.default_rng(seed)
    ids = np.zeros((count, LENGTH), np.int32)
    labels = np.zeros(count, np.int32)
    number = {token: index for index, token in enumerate(VOCABULARY)}
    for row in range(count):
        opinions = [*rng.choice(GOOD, rng.integers(0, 5)), *rng.choice(BAD, rng.integers(0, 5))]
        votes = sum(1 if word in GOOD else -1 for word in opinions) or int(rng.choice([-1, 1]))
        if not opinions:
            opinions = [str(rng.choice(GOOD if votes > 0 else BAD))]
        words = [*opinions, *rng.choice(OTHER, rng.integers(1, 5))]
        rng.shuffle(words)
        tokens = ["[CLS]", *map(str, words), "[SEP]"]
        ids[row, : len(tokens)] = [number[token] for token in tokens]
        labels[row] = int(votes > 0) if rng.random() >= noise else int(votes <= 0)
    return text_rows(ids, (ids > 0).astype(np.int32), labels)


def plain(**values: object) -> FineTuning:
    """A fine-tuning without zeros and without rounding, but for what a test asks for."""
    without: dict = {
        "pruning": PruningSettings(pattern="none"),
        "quantization_aware": QuantizationAwareSettings(kernel_bits=None),
        "learning_rate": 1e-4,
        "seed": 0,
    }
    return FineTuning(**{**without, **values})


def probabilities(trained: Trained, rows: Examples) -> np.ndarray:
    return trained.model.predict(rows.features, verbose=0)


def compression_settings(**values: Any) -> PrunerSettings:
    """The section `pruner` of a configuration; neither masks nor rounding unless they are asked for."""
    without = {"pruning": {"pattern": "none"}, "quantization_aware": {"kernel_bits": None}}
    return PrunerSettings.model_validate({**without, **values})


def given(folder: Path, *, seed: int = 2, **settings: Any) -> Given:
    """What a student is made from: a random teacher of two layers, 96 training and 40 held-out texts."""
    return Given(
        teacher=random_trained(seed=seed),
        train=examples(96),
        evaluation=examples(40, seed=1),
        settings=compression_settings(**settings),
        backup_dir=str(folder),
    )
