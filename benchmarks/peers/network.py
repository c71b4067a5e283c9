"""The same network in PyTorch: Hugging Face's `BertModel`, masked mean pooling and a linear head.

`load` fills it from the file that `benchmarks.ours.export` writes; the probe beside it says whether both compute the
same. Layers of a student may have fewer heads and neurons, each its own number, as in `modules.network.model`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BertConfig, BertModel


class Classifier(torch.nn.Module):
    """Token ids and mask, int64 `[batch, seq]`, to logits, float32 `[batch, classes]`."""

    def __init__(self, architecture: Mapping[str, Any], *, dropout: float = 0.0) -> None:
        """Builds the network with random weights.

        Args:
            architecture: the fields of `modules.network.model.Architecture`.
            dropout: rate inside the encoder and before the head.
        """
        super().__init__()
        config = BertConfig(
            vocab_size=architecture["vocabulary_size"],
            hidden_size=architecture["hidden_dim"],
            num_hidden_layers=architecture["num_layers"],
            num_attention_heads=architecture["num_heads"],
            intermediate_size=architecture["intermediate_dim"],
            max_position_embeddings=architecture["max_sequence_length"],
            type_vocab_size=architecture["num_segments"],
            hidden_act="gelu" if architecture["activation"] == "gelu" else "gelu_pytorch_tanh",
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
        )
        self.encoder = BertModel(config, add_pooling_layer=False)
        width = architecture["head_dim"] or config.hidden_size // config.num_attention_heads
        heads = architecture["layer_heads"] or [config.num_attention_heads] * config.num_hidden_layers
        neurons = architecture["layer_intermediate_dims"] or [config.intermediate_size] * config.num_hidden_layers
        for layer, own_heads, own_neurons in zip(self.encoder.encoder.layer, heads, neurons, strict=True):
            _resize(layer, config.hidden_size, own_heads, width, own_neurons)
        self.dropout = torch.nn.Dropout(dropout)
        self.head = torch.nn.Linear(config.hidden_size, architecture["num_classes"])

    def forward(self, token_ids: torch.Tensor, padding_mask: torch.Tensor) -> torch.Tensor:
        """The logits."""
        hidden = self.encoder(input_ids=token_ids, attention_mask=padding_mask).last_hidden_state
        weights = padding_mask.unsqueeze(-1).to(torch.float32)
        pooled = (hidden.to(torch.float32) * weights).sum(1) / weights.sum(1).clamp(min=1.0)
        return self.head(self.dropout(pooled))


def load(folder: Path, part: str, *, dropout: float = 0.0) -> Classifier:
    """Builds the network of `<part>.json` with the weights of `<part>.npz`."""
    architecture = json.loads((folder / f"{part}.json").read_text(encoding="utf-8"))
    model = Classifier(architecture, dropout=dropout)
    with np.load(folder / f"{part}.npz") as arrays:
        model.load_state_dict(state_dict(arrays, architecture["num_layers"]))
    return model.eval()


def largest_difference(model: Classifier, folder: Path, part: str) -> float:
    """Largest difference of the probabilities to those of the Keras model, over the probe's rows."""
    with np.load(folder / f"{part}.probe.npz") as probe:
        inputs = [torch.from_numpy(probe[name].astype(np.int64)) for name in ("token_ids", "padding_mask")]
        with torch.inference_mode():
            found = torch.softmax(model(*inputs), dim=-1).numpy()
        return float(np.abs(found - probe["probabilities"]).max())


def state_dict(arrays: Mapping[str, np.ndarray], num_layers: int) -> dict[str, torch.Tensor]:
    """Weights under PyTorch's names and in its layout.

    Args:
        arrays: by the names of `modules.network.weights`, those of a layer as `layers.<index>.<name>`; kernels are
            `[in, out]`, those of attention `[hidden, heads, width]` and `[heads, width, hidden]`.
        num_layers: transformer layers.
    """
    embeddings = "encoder.embeddings"
    found = {
        f"{embeddings}.word_embeddings.weight": arrays["token"],
        f"{embeddings}.position_embeddings.weight": arrays["position"],
        f"{embeddings}.token_type_embeddings.weight": arrays["segment"],
        f"{embeddings}.LayerNorm.weight": arrays["norm_gamma"],
        f"{embeddings}.LayerNorm.bias": arrays["norm_beta"],
        "head.weight": arrays["head_kernel"].T,
        "head.bias": arrays["head_bias"],
    }
    for index in range(num_layers):
        own, theirs = f"layers.{index}", f"encoder.encoder.layer.{index}"
        for name in ("query", "key", "value"):
            kernel = arrays[f"{own}.{name}_kernel"]
            found[f"{theirs}.attention.self.{name}.weight"] = kernel.reshape(len(kernel), -1).T
            found[f"{theirs}.attention.self.{name}.bias"] = arrays[f"{own}.{name}_bias"].reshape(-1)
        kernel = arrays[f"{own}.output_kernel"]
        found[f"{theirs}.attention.output.dense.weight"] = kernel.reshape(-1, kernel.shape[-1]).T
        for name, place in (
            ("output_bias", "attention.output.dense.bias"),
            ("attention_gamma", "attention.output.LayerNorm.weight"),
            ("attention_beta", "attention.output.LayerNorm.bias"),
            ("intermediate_bias", "intermediate.dense.bias"),
            ("feedforward_bias", "output.dense.bias"),
            ("feedforward_gamma", "output.LayerNorm.weight"),
            ("feedforward_beta", "output.LayerNorm.bias"),
        ):
            found[f"{theirs}.{place}"] = arrays[f"{own}.{name}"]
        found[f"{theirs}.intermediate.dense.weight"] = arrays[f"{own}.intermediate_kernel"].T
        found[f"{theirs}.output.dense.weight"] = arrays[f"{own}.feedforward_kernel"].T
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in found.items()}


def _resize(layer: Any, hidden: int, heads: int, width: int, neurons: int) -> None:
    """Gives a layer its own heads and neurons, which `BertConfig` has no fields for."""
    attention = layer.attention.self
    if heads * width != attention.all_head_size:
        attention.num_attention_heads, attention.attention_head_size = heads, width
        attention.all_head_size = heads * width
        for name in ("query", "key", "value"):
            setattr(attention, name, torch.nn.Linear(hidden, heads * width))
        layer.attention.output.dense = torch.nn.Linear(heads * width, hidden)
    if neurons != layer.intermediate.dense.out_features:
        layer.intermediate.dense = torch.nn.Linear(hidden, neurons)
        layer.output.dense = torch.nn.Linear(neurons, hidden)
