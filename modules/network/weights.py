"""The network's weights as named NumPy arrays: read from a model, written into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.network import anatomy
from modules.network.anatomy import input_encoders
from modules.network.architecture import FUSION
from modules.network.arrays import Array, EncoderWeights, LayerWeights, NetworkWeights
from modules.targets.base import LOGITS

if TYPE_CHECKING:
    import tf_keras


def read_weights(model: tf_keras.Model) -> NetworkWeights:
    """Copies the weights out of a model that `modules.network.model.build_model` made, under any precision policy."""
    encoder = read_encoder(anatomy.of(model))
    head = model.get_layer(LOGITS).get_weights()
    others = {name: tuple(layer.get_weights()) for name, layer in input_encoders(model).items()}
    fusion = tuple(array for layer in _fusions(model) for array in layer.get_weights())
    ending = tuple(array for layer in _endings(model) for array in layer.get_weights())
    return NetworkWeights(
        **vars(encoder), head_kernel=head[0], head_bias=head[1], others=others, fusion=fusion, ending=ending
    )


def _endings(model: tf_keras.Model) -> list[tf_keras.layers.Layer]:
    """The layers of a target's head behind its last dense one that have weights, in their order."""
    names = [layer.name for layer in model.layers]
    return [layer for layer in model.layers[names.index(LOGITS) + 1 :] if layer.weights]


def _fusions(model: tf_keras.Model) -> list[tf_keras.layers.Layer]:
    """The layer in which inputs meet; none where there is one input."""
    return [layer for layer in model.layers if layer.name == FUSION]


def read_encoder(parts: anatomy.Anatomy) -> EncoderWeights:
    """Copies the weights out of an encoder; nothing where a network has none.

    Args:
        parts: the encoder's anatomy.
    """
    if not parts.embeddings:
        return EncoderWeights.nothing()
    tables = {name: layer.get_weights() for name, layer in parts.embeddings.items()}
    return EncoderWeights(
        token=tables["token"][0],
        position=tables["position"][0],
        segment=tables["segment"][0],
        norm_gamma=tables["norm"][0],
        norm_beta=tables["norm"][1],
        layers=tuple(_read_layer(layer) for layer in parts.layers),
    )


def write_weights(model: tf_keras.Model, weights: NetworkWeights) -> None:
    """Writes arrays into a model of the same shapes.

    Raises:
        ValueError: an array does not have the shape of its variable, or the number of layers differs.
    """
    write_encoder(model, weights)
    model.get_layer(LOGITS).set_weights([weights.head_kernel, weights.head_bias])
    for name, layer in input_encoders(model).items():
        layer.set_weights(list(weights.others[name]))
    for layer in _fusions(model):
        layer.set_weights(list(weights.fusion))
    arrays = list(weights.ending)
    for layer in _endings(model):
        count = len(layer.weights)
        layer.set_weights(arrays[:count])
        arrays = arrays[count:]
    if arrays:
        raise ValueError(f"{len(arrays)} arrays are left that belong to no layer behind {LOGITS}.")


def write_encoder(model: tf_keras.Model, weights: EncoderWeights) -> None:
    """Writes arrays into a model's encoder and leaves its head; see `write_weights`."""
    parts = anatomy.of(model)
    if not parts.embeddings:
        return
    for name in ("token", "position", "segment"):
        parts.embeddings[name].set_weights([getattr(weights, name)])
    parts.embeddings["norm"].set_weights([weights.norm_gamma, weights.norm_beta])
    for layer, values in zip(parts.layers, weights.layers, strict=True):
        for part in layer.parts.values():
            part.layer.set_weights([getattr(values, name) for name in part.arrays])


def _read_layer(layer: anatomy.Layer) -> LayerWeights:
    values: dict[str, Array] = {}
    for part in layer.parts.values():
        values.update(zip(part.arrays, part.layer.get_weights(), strict=True))
    return LayerWeights(**values)
