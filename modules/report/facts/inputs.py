"""What each of several inputs is worth: its share in the fusion, and what the model comes to without it, on eval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.inputs import kinds
from modules.network import anatomy
from modules.network.fusion.kinds import CONCAT
from modules.network.joined import Joined
from modules.network.trained import load_trained
from modules.quality import scoring
from modules.report.settings import ReporterNodeSettings
from modules.rows import absence
from modules.tensors import raw_spec

import numpy as np
import tensorflow as tf

_ROWS = 256  # of a batch


def worth(settings: ReporterNodeSettings, *, training: str, examples: str) -> dict[str, Any] | None:
    """What the model does with each input of the first `reporter.input_rows` rows of a split.

    Of a text that is read in windows, the first one counts.

    Args:
        settings: what Reporter is told.
        training: the `training` folder of the model.
        examples: a pattern of the split's raw examples.

    Returns:
        `fusion`, its kind; `rows`; `metric`, the target's objective; `score`; `inputs`, by name `without`, the score
        where every row lacks it (None where its kind says nothing of such rows); and `shares`, None where the fusion
        weighs nothing, else overall (an empty string) and by slice (`column:value`), the mean share of each input.
        None where the task has one input, or no row is to be looked at.
    """
    if len(settings.inputs) < 2:
        return None
    trained, target = load_trained(training), settings.target
    main = kinds.with_backbone(settings.inputs)
    inputs = {**({main.name: main} if main else {}), **kinds.read(trained.architecture.inputs)}
    network = _Network(trained.model)
    asked = {"": dict[str, tf.Tensor]()} | {name: {name: tf.constant(True)} for name in inputs if inputs[name].may_lack}
    outputs: dict[str, list[np.ndarray]] = {name: [] for name in asked}
    shares: list[np.ndarray] = []
    truth: list[np.ndarray] = []
    slices: dict[str, list[str]] = {name: [] for name in settings.slices}
    for raw in _batches(examples, settings, settings.config.reporter.input_rows):
        features = _features(inputs, raw)
        count = len(raw[target.column])
        truth.append(target.truth(_plain(raw[target.column])))
        for name, values in slices.items():
            values += _plain(raw[name])
        for name, gone in asked.items():
            lacking = {key: tf.repeat(value, count) for key, value in gone.items()}
            outputs[name].append(network.outputs(absence.without(features, inputs, lacking)))
        if network.has_shares:
            shares.append(network.shares(features))
    if not truth:
        return None
    undecided, answers = target.undecided(), np.concatenate(truth)
    judge, answer = scoring.of(undecided), undecided.answers()

    def score(name: str) -> float:
        said = {key: value.numpy() for key, value in answer(tf.constant(np.concatenate(outputs[name]))).items()}
        return float(judge.scores(answers, judge.answered(said)["predicted"])[target.objective])

    return {
        "fusion": trained.architecture.fusion.get("kind", CONCAT),
        "rows": len(answers),
        "metric": target.objective,
        "score": score(""),
        "inputs": {name: {"without": score(name) if name in asked else None} for name in inputs},
        "shares": _by_slice(list(inputs), np.concatenate(shares), slices) if shares else None,
    }


class _Network:
    """The network as a whole, and its fusion by itself."""

    def __init__(self, model: Any) -> None:
        self._model, self._joined = model, Joined(model)
        self._anatomy = anatomy.of(model)
        self.has_shares = bool(self._joined.fusion is not None and self._joined.fusion.has_shares)

    def outputs(self, features: Mapping[str, tf.Tensor]) -> np.ndarray:
        """What the model gives, `[rows, outputs]`."""
        return np.asarray(self._model(features, training=False))

    def shares(self, features: Mapping[str, tf.Tensor]) -> np.ndarray:
        """float32 `[rows, inputs]`."""
        hidden = mask = None
        if self._anatomy.layers:
            entered, mask = self._anatomy.entered(features)
            hidden = self._anatomy.encoder(entered, training=False)
        return np.asarray(self._joined.shares(self._joined.values(features, hidden, mask)))


def _batches(examples: str, settings: ReporterNodeSettings, limit: int) -> Any:
    """Columns of the inputs and of the target, and the slices, `[rows]` each."""
    spec = raw_spec((*kinds.columns(settings.inputs), *settings.target.columns()))
    spec |= {name: tf.io.FixedLenFeature([], tf.string) for name in settings.slices if name not in spec}
    records = tf.data.TFRecordDataset(sorted(tf.io.gfile.glob(examples)), compression_type="GZIP")
    for batch in records.take(limit).batch(_ROWS):
        yield tf.io.parse_example(batch, spec)


def _features(inputs: Mapping[str, Any], raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    features: dict[str, tf.Tensor] = {}
    main = kinds.with_backbone(inputs)
    for part in inputs.values():
        made = part.features(raw)
        for tensor in part.tensors():
            values = made[tensor.name]
            if tensor.window and main is not None:
                values = values[:, : main.sequence_length]
            features[tensor.name] = tf.cast(values, tensor.dtype)
    return features


def _plain(values: tf.Tensor) -> list[Any]:
    return [value.decode("utf-8") if isinstance(value, bytes) else value for value in values.numpy().tolist()]


def _by_slice(names: list[str], shares: np.ndarray, slices: Mapping[str, list[str]]) -> dict[str, dict[str, float]]:
    chosen = {"": np.ones(len(shares), bool), **scoring.by_slice(slices)}
    return {
        key: dict(zip(names, (float(value) for value in shares[rows].mean(axis=0)), strict=True))
        for key, rows in chosen.items()
    }
