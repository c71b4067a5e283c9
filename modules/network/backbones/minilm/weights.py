"""MiniLM's shapes, and its weights by this project's names; any of its six layers may be left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modules.network.architecture import Architecture
from modules.network.arrays import EncoderWeights, LayerWeights
from modules.network.backbones.base import Backbone, BackboneError
from modules.network.backbones.initial import Initial, Task
from modules.network.backbones.minilm.backbone import Minilm
from modules.network.backbones.minilm.source import SOURCE, WEIGHTS

import numpy as np

_HEADS = 12


def initial(backbone: Backbone, task: Task) -> Initial:
    """See `modules.network.backbones.initial.of`.

    Args:
        backbone: which layers.
        task: its window may be shorter than MiniLM's 512 tokens, its vocabulary must be MiniLM's.

    Raises:
        BackboneError: the vocabulary is another one.
        PackageError: the package cannot be fetched.
    """
    from safetensors.numpy import load_file

    assert isinstance(backbone, Minilm)
    weights = load_file(SOURCE.file(WEIGHTS))
    known = len(weights["embeddings.word_embeddings.weight"])
    if task.vocabulary_size != known:
        raise BackboneError(
            f"The vocabulary has {task.vocabulary_size} tokens, MiniLM's embedding {known}: use its own vocabulary."
        )
    architecture = Architecture(
        vocabulary_size=task.vocabulary_size,
        num_layers=len(backbone.layers),
        num_heads=_HEADS,
        hidden_dim=384,
        intermediate_dim=1536,
        max_sequence_length=task.sequence_length,
        num_classes=task.num_classes,
        activation="gelu",
    )
    return Initial(architecture, _encoder(weights, backbone.layers, positions=task.sequence_length))


def _encoder(weights: Mapping[str, np.ndarray], layers: Sequence[int], *, positions: int) -> EncoderWeights:
    gamma, beta = _norm(weights, "embeddings.LayerNorm")
    return EncoderWeights(
        token=weights["embeddings.word_embeddings.weight"],
        position=weights["embeddings.position_embeddings.weight"][:positions],
        segment=weights["embeddings.token_type_embeddings.weight"],
        norm_gamma=gamma,
        norm_beta=beta,
        layers=tuple(_layer(weights, f"encoder.layer.{index}.") for index in layers),
    )


def _layer(weights: Mapping[str, np.ndarray], prefix: str) -> LayerWeights:
    values: dict[str, np.ndarray] = {}
    for name in ("query", "key", "value"):
        kernel, bias = _dense(weights, f"{prefix}attention.self.{name}")
        values[f"{name}_kernel"] = kernel.reshape(len(kernel), _HEADS, -1)
        values[f"{name}_bias"] = bias.reshape(_HEADS, -1)
    kernel, values["output_bias"] = _dense(weights, f"{prefix}attention.output.dense")
    values["output_kernel"] = kernel.reshape(_HEADS, -1, kernel.shape[1])
    for name, theirs in (("intermediate", "intermediate"), ("feedforward", "output")):
        values[f"{name}_kernel"], values[f"{name}_bias"] = _dense(weights, f"{prefix}{theirs}.dense")
    for name, theirs in (("attention", "attention.output"), ("feedforward", "output")):
        values[f"{name}_gamma"], values[f"{name}_beta"] = _norm(weights, f"{prefix}{theirs}.LayerNorm")
    return LayerWeights(**values)


def _dense(weights: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """PyTorch keeps `[out, in]`, Keras `[in, out]`; the split into heads is a reshape of the latter."""
    return weights[f"{name}.weight"].T, weights[f"{name}.bias"]


def _norm(weights: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]
