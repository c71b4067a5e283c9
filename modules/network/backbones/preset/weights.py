"""Shapes and weights of a KerasNLP preset."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from modules.network import bert
from modules.network.architecture import Architecture
from modules.network.backbones.base import Backbone, BackboneError
from modules.network.backbones.initial import Initial, Task
from modules.network.backbones.preset.backbone import Preset, from_preset
from modules.network.weights import read_encoder


def initial(backbone: Backbone, task: Task) -> Initial:
    """See `modules.network.backbones.initial.of`.

    Args:
        backbone: which preset; its own window and vocabulary are kept.
        task: labels, and the window that the preset's must not fall short of.

    Raises:
        BackboneError: the preset cannot be loaded, or its window is too short.
    """
    assert isinstance(backbone, Preset)
    source = from_preset(_Loader, backbone.preset)
    if source.max_sequence_length < task.sequence_length:
        raise BackboneError(
            f"preprocessing.sequence_length is {task.sequence_length}, the preset {backbone.preset!r} ends at "
            f"{source.max_sequence_length} tokens."
        )
    architecture = Architecture(
        vocabulary_size=source.vocabulary_size,
        num_layers=source.num_layers,
        num_heads=source.num_heads,
        hidden_dim=source.hidden_dim,
        intermediate_dim=source.intermediate_dim,
        max_sequence_length=source.max_sequence_length,
        num_classes=task.num_classes,
        activation="gelu_tanh",
        num_segments=source.num_segments,
    )
    return Initial(architecture, read_encoder(bert.BertAnatomy(source)))


class _Loader:
    """A preset's backbone, also where a Keras 3 saved it that names the parts of attention in another way."""

    @staticmethod
    def from_preset(preset: str) -> Any:
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
                    if parent.endswith(f"/{bert.SAVED_ATTENTION}") and part in bert.SAVED_ATTENTION_PARTS:
                        weights.move(name, f"{parent}/_{part}")
            backbone.load_weights(str(path))
        return backbone
