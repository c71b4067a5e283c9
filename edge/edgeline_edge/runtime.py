"""The LiteRT interpreter behind the one signature that bundles have."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgeline_edge.errors import BundleError
from edgeline_edge.manifest import INPUTS, OUTPUT, SIGNATURE

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter


class Model:
    """A loaded model. Not thread-safe: an interpreter has one set of buffers.

    Attributes:
        sequence_length: length of the inputs.
        label_count: length of the output.
        interpreter: the interpreter, its tensors allocated.
    """

    def __init__(self, content: bytes, num_threads: int = 1) -> None:
        """Loads a model and checks its signature.

        Args:
            content: a TFLite flatbuffer; bytes behind it are ignored.
            num_threads: threads that one call may use.

        Raises:
            BundleError: LiteRT cannot load the model, or its signature is another one.
        """
        self.interpreter = _interpreter(content, num_threads)
        inputs, outputs = _tensors(self.interpreter)
        self._token_ids, self._padding_mask = (inputs[name]["index"] for name in INPUTS)
        self._output = outputs[OUTPUT]["index"]
        self.sequence_length = int(inputs[INPUTS[0]]["shape"][1])
        self.label_count = int(outputs[OUTPUT]["shape"][1])
        self._try_out()

    def __call__(
        self, token_ids: npt.NDArray[np.int32], padding_mask: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float32]:
        """Runs the model on one text.

        Args:
            token_ids: int32 `[1, sequence_length]`.
            padding_mask: int32 `[1, sequence_length]`.

        Returns:
            float32 `[1, label_count]`, a copy.
        """
        interpreter = self.interpreter
        # Not through the signature runner, whose checks by name cost as much as a small model.
        interpreter.set_tensor(self._token_ids, token_ids)
        interpreter.set_tensor(self._padding_mask, padding_mask)
        interpreter.invoke()
        result: npt.NDArray[np.float32] = interpreter.get_tensor(self._output)
        return result

    def _try_out(self) -> None:
        """Runs the model once: what cannot run is refused when it is loaded, and the first answer is not slower."""
        row = np.ones((1, self.sequence_length), np.int32)
        try:
            result = self(np.zeros_like(row), row)
        except (RuntimeError, ValueError) as error:
            raise BundleError(f"LiteRT cannot run the model: {error}") from error
        if not (np.isfinite(result).all() and result.min() >= -1e-3 and result.max() <= 1 + 1e-3):
            raise BundleError(f"the model's output are no probabilities: {result[0, :8].tolist()}")


def signature(content: bytes) -> dict[str, Any]:
    """Describes the signature of a model as a manifest does.

    Args:
        content: a TFLite flatbuffer.

    Returns:
        Name, inputs and outputs, each tensor with dtype and shape.

    Raises:
        BundleError: LiteRT cannot load the model, or its signature is not that of a bundle.
    """
    inputs, outputs = _tensors(_interpreter(content, 1))

    def describe(details: dict[str, Any]) -> dict[str, Any]:
        return {"dtype": np.dtype(details["dtype"]).name, "shape": [int(size) for size in details["shape"]]}

    return {
        "name": SIGNATURE,
        "inputs": {name: describe(inputs[name]) for name in INPUTS},
        "outputs": {OUTPUT: describe(outputs[OUTPUT])},
    }


def _interpreter(content: bytes, num_threads: int) -> Interpreter:
    # Imported here, so that reading a manifest or printing help does not load the runtime.
    from ai_edge_litert.interpreter import Interpreter

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            interpreter = Interpreter(model_content=content, num_threads=num_threads)
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError, TypeError) as error:
        raise BundleError(f"LiteRT cannot load the model: {error}") from error
    return interpreter


def _tensors(interpreter: Interpreter) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Checks the signature, and returns the details of inputs and outputs by name."""
    try:
        names = interpreter.get_signature_list()
        if SIGNATURE not in names:
            raise BundleError(f"the model has no signature {SIGNATURE!r}; it has: {', '.join(names) or 'none'}")
        found = names[SIGNATURE]
        if sorted(found["inputs"]) != sorted(INPUTS) or found["outputs"] != [OUTPUT]:
            raise BundleError(
                f"the signature must take {' and '.join(INPUTS)} and give {OUTPUT}; "
                f"it takes {', '.join(found['inputs'])} and gives {', '.join(found['outputs'])}"
            )
        runner = interpreter.get_signature_runner(SIGNATURE)
        inputs, outputs = runner.get_input_details(), runner.get_output_details()
        main = {details["index"] for details in interpreter.get_input_details()}
    except (RuntimeError, UnicodeDecodeError, KeyError) as error:
        raise BundleError(f"LiteRT cannot read the model's signatures: {error}") from error
    for name in INPUTS:
        _check_tensor(name, inputs[name], np.int32)
    _check_tensor(OUTPUT, outputs[OUTPUT], np.float32)
    if list(inputs[INPUTS[0]]["shape"]) != list(inputs[INPUTS[1]]["shape"]):
        raise BundleError(f"{INPUTS[0]} and {INPUTS[1]} must have the same shape")
    if main != {details["index"] for details in inputs.values()}:
        raise BundleError(f"the signature {SIGNATURE!r} must be that of the model's main subgraph")
    return inputs, outputs


def _check_tensor(name: str, details: dict[str, Any], dtype: type[np.generic]) -> None:
    if details["dtype"] is not dtype:
        raise BundleError(f"{name} must be {np.dtype(dtype).name}, is {np.dtype(details['dtype']).name}")
    shape = [int(size) for size in details["shape"]]
    # -1 in the shape signature: the model was converted with a free dimension.
    if len(shape) != 2 or shape[0] != 1 or min(shape) < 1 or -1 in details.get("shape_signature", []):
        raise BundleError(f"{name} must have a fixed shape [1, n], has {shape}")
