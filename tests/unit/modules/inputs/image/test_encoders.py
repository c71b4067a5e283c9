"""Encoders of pictures: their sections, what they are built of, and weights that are read as data and nothing else."""

from __future__ import annotations

import base64
import collections
import io
import pickle
import struct
from typing import Any

from modules.inputs.image import initial
from modules.inputs.image.encoders import conv, efficientnet_lite0, mobilenet_v2
from modules.inputs.image.encoders.base import PretrainedError
from modules.inputs.image.input import Image
from modules.network.model import input_encoder

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from pydantic import ValidationError


def image(**fields: Any) -> Image:
    return Image.model_validate({"name": "photo", "column": "photo", "height": 32, "width": 32, **fields})


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"encoder": "vgg"}, "encoder is 'vgg'; set it to one of conv, efficientnet_lite0, mobilenet_v2"),
        ({"encoder": "mobilenet_v2", "channels": 1}, "takes 3 channels; channels is 1"),
        ({"encoder": "efficientnet_lite0", "height": 16}, "pictures of 32 × 32 and more"),
        ({"encoder": "mobilenet_v2", "filters": [4]}, "filters are of the encoder conv"),
        ({"height": 1024}, "less than or equal to 512"),
        ({"channels": 2}, "1 or 3"),
    ],
)
def test_a_section_that_cannot_be_built_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        image(**fields)


def test_a_small_encoder_gives_a_vector_and_none_of_a_picture_that_is_not_there() -> None:
    part = image(height=9, width=14, channels=1, filters=[4, 6], vector=5, optional=True)
    tf_keras.utils.set_random_seed(1)  # some weights give only zeros behind the ReLU
    encoder = input_encoder(part)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 9, 14, 1)).astype(np.uint8)
    made = encoder({"photo_pixels": pixels, "photo_present": np.array([[1.0], [0.0]], np.float32)}).numpy()
    assert made.shape == (2, 5)
    assert made[0].any()
    assert not made[1].any()
    assert [layer.filters for layer in encoder.layers if hasattr(layer, "filters")] == [4, 4, 6, 6]
    gone = part.absent({"photo_pixels": tf.constant(pixels), "photo_present": tf.ones((2, 1))})
    assert not gone["photo_pixels"].numpy().any()
    assert gone["photo_present"].numpy().tolist() == [[0.0]]
    assert (part.may_lack, image().may_lack) == (True, False)
    with pytest.raises(NotImplementedError, match="rows without a value"):
        image().absent({})


def torch_file(tensors: dict[str, tuple[np.ndarray, tuple[int, ...]]], *, bad: Any = None) -> bytes:
    """What `torch.save` wrote before version 1.6, of arrays that are given with their steps."""

    class Storage:
        def __init__(self, key: str) -> None:
            self.key = key

    class Rebuilt:
        def __init__(self, *arguments: Any) -> None:
            self.arguments = arguments

        def __reduce__(self) -> Any:
            return _rebuild_tensor_v2, self.arguments

    class Pickler(pickle.Pickler):
        def persistent_id(self, item: Any) -> Any:
            return ("storage", FloatStorage, item.key, "cpu", 1) if isinstance(item, Storage) else None

    stream = io.BytesIO()
    for head in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(head, stream, 2)
    described = collections.OrderedDict(
        (name, bad or Rebuilt(Storage(name), 0, array.shape, steps, False, None))
        for name, (array, steps) in tensors.items()
    )
    inner = io.BytesIO()
    Pickler(inner, 2).dump(described)
    # Pickled by names of this module, which are PyTorch's in a file.
    stream.write(
        inner.getvalue()
        .replace(f"c{__name__}\n_rebuild".encode(), b"ctorch._utils\n_rebuild")
        .replace(f"c{__name__}\nFloat".encode(), b"ctorch\nFloat")
    )
    pickle.dump(list(tensors), stream, 2)
    for array, _ in tensors.values():
        stream.write(struct.pack("<q", array.size) + array.astype("<f4").tobytes())
    return stream.getvalue()


class FloatStorage:
    """Stands for PyTorch's."""


def _rebuild_tensor_v2(*_: Any) -> None:
    """Stands for PyTorch's."""


def test_a_file_of_pytorch_is_read_without_it_steps_and_all() -> None:
    numbers = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    columns_first = np.ascontiguousarray(numbers.transpose(2, 1, 0))  # how it lies, which its steps tell
    content = torch_file({"a": (numbers, (12, 4, 1)), "b": (columns_first.reshape(2, 3, 4), (1, 2, 6))})
    found = efficientnet_lite0.read_tensors(io.BytesIO(content))
    assert (found["a"] == numbers).all()
    assert (found["b"] == numbers).all()


def test_a_file_of_pytorch_that_would_do_more_than_hold_numbers_is_refused() -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return print, ("never",)

    one = {"a": (np.ones(3, np.float32), (1,))}
    with pytest.raises(PretrainedError, match="none of the classes that weights are made of"):
        efficientnet_lite0.read_tensors(io.BytesIO(torch_file(one, bad=Evil())))
    for steps in ((5,), (-1,)):
        with pytest.raises(PretrainedError, match=r"a tensor (leads out of its numbers|steps backwards)"):
            efficientnet_lite0.read_tensors(io.BytesIO(torch_file({"a": (np.ones(3, np.float32), steps)})))
    for content in (b"", torch_file(one)[:-6], b"PK\x03\x04" * 10):
        with pytest.raises(PretrainedError, match="cannot be read"):
            efficientnet_lite0.read_tensors(io.BytesIO(content))


def test_pytorchs_names_and_axes_become_those_of_keras() -> None:
    found = efficientnet_lite0.arranged(
        {
            "_blocks.3._depthwise_conv.weight": np.zeros((96, 1, 5, 3)),
            "_blocks.3._project_conv.weight": np.zeros((24, 96, 1, 1)),
            "_bn1.weight": np.ones(4), "_bn1.bias": np.zeros(4), "_bn1.num_batches_tracked": np.array(7),
            "_fc.weight": np.zeros((1000, 1280)),
        }
    )  # fmt: skip
    shapes = {name: [array.shape for array in arrays] for name, arrays in found.items()}
    assert shapes == {
        "blocks.3.depthwise_conv": [(5, 3, 96, 1)], "blocks.3.project_conv": [(1, 1, 96, 24)], "bn1": [(4,), (4,)],
    }  # fmt: skip


def test_the_layers_of_a_pretrained_encoder_are_those_that_its_file_names() -> None:
    encoder = input_encoder(image(encoder="efficientnet_lite0"))
    named = {layer.name for layer in encoder.layers if layer.weights}
    assert {"conv_stem", "bn0", "blocks.0.depthwise_conv", "blocks.15.bn2", "conv_head", "bn1"} <= named
    assert not any("expand" in name for name in named if name.startswith("blocks.0."))
    learnt = sum(int(np.prod(variable.shape)) for variable in encoder.trainable_variables)
    of_head = 1280 * 1000 + 1000
    assert learnt - encoder.get_layer("photo_vector").count_params() == 4_652_008 - of_head, "as KerasHub counts them"


def test_weights_of_javascript_are_read_as_text() -> None:
    names = (
        '[{name:"Conv1/kernel",shape:[1,2],dtype:"float32",quantization:{min:-.5,scale:.25,dtype:"uint8"}},'
        '{name:"bn_Conv1/gamma",shape:[2],dtype:"float32",quantization:{min:1,scale:1e-2,dtype:"uint8"}},'
        '{name:"bn_Conv1/beta",shape:[1000],dtype:"float32",quantization:{min:0,scale:1,dtype:"uint8"}}]'
    )
    stored = bytes([0, 4, 0, 100]) + bytes(1000)
    values = f'module.exports="{base64.b64encode(stored).decode()}"'
    found = mobilenet_v2.read(names, values)
    np.testing.assert_allclose(found["Conv1"][0], [[-0.5, 0.5]])
    np.testing.assert_allclose(found["bn_Conv1"][0], [1.0, 2.0])
    assert len(found["bn_Conv1"]) == 2
    with pytest.raises(PretrainedError, match="ends within bn_Conv1/beta"):
        mobilenet_v2.read(names.replace("1000", "1001"), values)
    with pytest.raises(PretrainedError, match="has 1004 numbers"):
        mobilenet_v2.read(names.replace("1000", "999"), values)
    with pytest.raises(PretrainedError, match="holds 0 texts"):
        mobilenet_v2.read(names, "")


def test_a_new_network_begins_with_its_encoders_weights_or_says_what_does_not_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = image(filters=[4])
    encoder = input_encoder(part)
    arrays = {layer.name: [array + 1 for array in layer.get_weights()] for layer in encoder.layers if layer.weights}
    arrays.pop("photo_vector")
    monkeypatch.setattr(conv.Conv, "weights", lambda self: arrays)
    initial.write(part, encoder)
    assert all((encoder.get_layer(name).get_weights()[0] == found[0]).all() for name, found in arrays.items())
    untouched = input_encoder(part)
    before = untouched.get_layer("stage_0_0_conv").get_weights()[0]
    initial.write(image(filters=[4], pretrained=False), untouched)
    assert (untouched.get_layer("stage_0_0_conv").get_weights()[0] == before).all()
    kept = arrays.pop("stage_0_1_norm")
    with pytest.raises(PretrainedError, match=r"inputs\.photo: there are no pretrained weights for stage_0_1_norm"):
        initial.write(part, encoder)
    arrays |= {"stage_0_1_norm": kept[:2]}
    with pytest.raises(PretrainedError, match=r"inputs\.photo: the weights of stage_0_1_norm do not fit"):
        initial.write(part, encoder)
