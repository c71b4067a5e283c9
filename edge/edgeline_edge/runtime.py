"""The LiteRT interpreter behind a bundle's signatures: the whole window, and shorter ones for shorter texts."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgeline_edge import limits
from edgeline_edge.errors import BundleError
from edgeline_edge.inputs.base import Array, TableInput
from edgeline_edge.manifest import INPUTS, SIGNATURE
from edgeline_edge.targets.base import Target
from edgeline_edge.targets.one_label import OneLabel

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter


Shapes = Mapping[str, tuple[str, list[int]]]  # dtype and shape by name of a tensor
# A signature with a shorter window, which computes the same for the texts that fit into it.
_WINDOW = re.compile(r"window_(\d+)")


class Model:
    """A loaded model. Not thread-safe: an interpreter has one set of buffers.

    Attributes:
        sequence_length: length of the inputs.
        windows: shorter lengths that the model can be run with, ascending.
        output_count: length of the output.
        interpreter: the interpreter, its tensors allocated.
    """

    def __init__(
        self,
        content: bytes,
        num_threads: int = 1,
        table: Sequence[TableInput] = (),
        target: type[Target] = OneLabel,
    ) -> None:
        """Loads a model and checks its signature.

        Args:
            content: a TFLite flatbuffer; bytes behind it are ignored.
            num_threads: threads that one call may use.
            table: the inputs beside the text.
            target: the kind of what it answers, which says how its output is called.

        Raises:
            BundleError: LiteRT cannot load the model, or its signature is another one.
        """
        self._target = target
        self.interpreter = _interpreter(content, num_threads)
        self._table = tuple(table)
        shapes = {name: shape for part in self._table for name, shape in part.shapes().items()}
        inputs, outputs = _tensors(self.interpreter, shapes, target.output)
        self._of_text = [inputs[name]["index"] for name in INPUTS if name in inputs]
        self._others = {name: inputs[name]["index"] for name in shapes}
        self._nothing = {name: np.zeros(shape, dtype) for name, (dtype, shape) in shapes.items()}
        self._output = outputs[target.output]["index"]
        self.sequence_length = int(inputs[INPUTS[0]]["shape"][1]) if self._of_text else 0
        self.output_count = int(outputs[target.output]["shape"][1])
        self._runners = _window_runners(
            self.interpreter, self.sequence_length, (target.output, self.output_count), shapes
        )
        self.windows = tuple(self._runners)
        if self._runners:
            # While a signature runner exists, the interpreter itself refuses to be invoked.
            self._runners[self.sequence_length] = self.interpreter.get_signature_runner(SIGNATURE)
        self._try_out()

    def __call__(
        self,
        token_ids: npt.NDArray[np.int32],
        padding_mask: npt.NDArray[np.int32],
        others: Mapping[str, Array] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Runs the model on one row, through the shortest window that holds its text.

        Args:
            token_ids: int32 `[1, sequence_length]`; of no length where the model reads no text.
            padding_mask: int32 `[1, sequence_length]`.
            others: the tensors of the inputs beside the text, by name; zeros by default.

        Returns:
            float32 `[1, output_count]`, a copy.
        """
        others = self._nothing if others is None else others
        if self.windows:
            return self._run_window(token_ids, padding_mask, others)
        interpreter = self.interpreter
        # Not through the signature runner, whose checks by name cost as much as a small model.
        for index, value in zip(self._of_text, (token_ids, padding_mask), strict=False):  # none without a text
            interpreter.set_tensor(index, value)
        for name, index in self._others.items():
            interpreter.set_tensor(index, others[name])
        interpreter.invoke()
        result: npt.NDArray[np.float32] = interpreter.get_tensor(self._output)
        return result

    def _run_window(
        self, token_ids: npt.NDArray[np.int32], padding_mask: npt.NDArray[np.int32], others: Mapping[str, Array]
    ) -> npt.NDArray[np.float32]:
        found = padding_mask[0].nonzero()[0]
        used = int(found[-1]) + 1 if len(found) else 0
        window = next(window for window in self._runners if used <= window)
        feed = {name: value[:, :window] for name, value in zip(INPUTS, (token_ids, padding_mask), strict=True)}
        result: npt.NDArray[np.float32] = self._runners[window](**feed, **others)[self._target.output]
        return result

    def check_vocabulary(self, tokens: int) -> None:
        """Runs the model on the last token of a vocabulary and the last value of each column, through each window.

        Args:
            tokens: how many there are.

        Raises:
            BundleError: the model has no embedding for one of them.
        """
        self._check_table()
        if not self._of_text:
            return
        for window in (*self.windows, self.sequence_length):
            row = np.zeros((1, self.sequence_length), np.int32)
            row[:, :window] = 1
            try:
                self(row * (tokens - 1), row)
            except (RuntimeError, ValueError) as error:
                raise BundleError(
                    f"the vocabulary has {tokens:,} tokens, more than the model has embeddings"
                ) from error

    def _check_table(self) -> None:
        row = np.zeros((1, self.sequence_length), np.int32)
        row[:, :1] = 1
        for part in self._table:
            try:
                self(np.zeros_like(row), row, {**self._nothing, **part.largest()})
            except (RuntimeError, ValueError) as error:
                raise BundleError(f"the input {part.name!r} has more values than the model has embeddings") from error

    def _try_out(self) -> None:
        """Runs the model once: what cannot run is refused when it is loaded, and the first answer is not slower."""
        for window in (*self.windows, self.sequence_length):
            row = np.zeros((1, self.sequence_length), np.int32)
            row[:, :window] = 1
            try:
                result = self(np.zeros_like(row), row)
            except (RuntimeError, ValueError) as error:
                raise BundleError(f"LiteRT cannot run the model: {error}") from error
            problem = self._target.problem(result)
            if problem:
                raise BundleError(problem)


def signature(
    content: bytes, tokens: int, table: Sequence[TableInput] = (), target: type[Target] = OneLabel
) -> dict[str, Any]:
    """Describes the signature of a model as a manifest does, once it has run.

    Args:
        content: a TFLite flatbuffer.
        tokens: how many the vocabulary has that is to go with it.
        table: the inputs beside the text.
        target: the kind of what it answers.

    Returns:
        Name, inputs and outputs, each tensor with dtype and shape.

    Raises:
        BundleError: LiteRT cannot load or run the model, its signature is not that of a bundle, or it has fewer
            embeddings than there are tokens.
    """
    model = Model(content, table=table, target=target)
    model.check_vocabulary(tokens)
    shapes = {name: shape for part in table for name, shape in part.shapes().items()}
    inputs, outputs = _tensors(model.interpreter, shapes, target.output)

    def describe(details: dict[str, Any]) -> dict[str, Any]:
        return {"dtype": np.dtype(details["dtype"]).name, "shape": [int(size) for size in details["shape"]]}

    return {
        "name": SIGNATURE,
        "inputs": {name: describe(inputs[name]) for name in (*INPUTS, *shapes) if name in inputs},
        "outputs": {target.output: describe(outputs[target.output])},
    }


def _interpreter(content: bytes, num_threads: int) -> Interpreter:
    # Imported here, so that reading a manifest or printing help does not load the runtime.
    from ai_edge_litert.interpreter import Interpreter

    limits.check(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            interpreter = Interpreter(model_content=content, num_threads=num_threads)
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError, TypeError) as error:
        raise BundleError(f"LiteRT cannot load the model: {error}") from error
    return interpreter


def _tensors(
    interpreter: Interpreter, others: Shapes, output: str
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Checks the signature, and returns the details of inputs and outputs by name."""
    try:
        names = interpreter.get_signature_list()
        if SIGNATURE not in names:
            raise BundleError(f"the model has no signature {SIGNATURE!r}; it has: {', '.join(names) or 'none'}")
        _, inputs, outputs = _signature(interpreter, SIGNATURE, names[SIGNATURE], others, output)
        main = {details["index"] for details in interpreter.get_input_details()}
    except (RuntimeError, UnicodeDecodeError, KeyError) as error:
        raise BundleError(f"LiteRT cannot read the model's signatures: {error}") from error
    if INPUTS[0] in inputs and list(inputs[INPUTS[0]]["shape"]) != list(inputs[INPUTS[1]]["shape"]):
        raise BundleError(f"{INPUTS[0]} and {INPUTS[1]} must have the same shape")
    if main != {details["index"] for details in inputs.values()}:
        raise BundleError(f"the signature {SIGNATURE!r} must be that of the model's main subgraph")
    return inputs, outputs


def _signature(
    interpreter: Interpreter, name: str, found: dict[str, list[str]], others: Shapes, output: str
) -> tuple[Any, dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """The runner of a signature, and the details of its inputs and outputs by name, all checked."""
    # What the manifest says of a text is compared with this signature, so that none is forgotten.
    of_text = () if others and not set(INPUTS) & set(found["inputs"]) else INPUTS
    if sorted(found["inputs"]) != sorted((*of_text, *others)) or found["outputs"] != [output]:
        raise BundleError(
            f"the signature {name} must take {' and '.join((*of_text, *others))} and give {output}; "
            f"it takes {', '.join(found['inputs'])} and gives {', '.join(found['outputs'])}"
        )
    runner = interpreter.get_signature_runner(name)
    inputs, outputs = runner.get_input_details(), runner.get_output_details()
    for key in of_text:
        _check_tensor(f"{name}: {key}", inputs[key], np.int32)
    _check_tensor(f"{name}: {output}", outputs[output], np.float32)
    for key, (dtype, shape) in others.items():
        made = (np.dtype(inputs[key]["dtype"]).name, [int(size) for size in inputs[key]["shape"]])
        if made != (dtype, shape) or -1 in inputs[key].get("shape_signature", []):
            raise BundleError(f"{name}: {key} must be {dtype} {shape}, is {made[0]} {made[1]}")
    return runner, inputs, outputs


def _window_runners(
    interpreter: Interpreter, sequence_length: int, output: tuple[str, int], others: Shapes
) -> dict[int, Any]:
    """The signatures with a shorter window by their length, ascending; each checked like the whole one."""
    key, count = output
    found: dict[int, Any] = {}
    for name, tensors in interpreter.get_signature_list().items():
        match = _WINDOW.fullmatch(name)
        if not match:
            continue
        window = int(match[1])
        runner, inputs, outputs = _signature(interpreter, name, tensors, others, key)
        shapes = [int(inputs[name]["shape"][1]) for name in INPUTS] + [int(outputs[key]["shape"][1])]
        if shapes != [window, window, count] or window >= sequence_length:
            raise BundleError(f"the signature {name} has the lengths {shapes}, which do not fit the model")
        found[window] = runner
    return dict(sorted(found.items()))


def _check_tensor(name: str, details: dict[str, Any], dtype: type[np.generic]) -> None:
    if details["dtype"] is not dtype:
        raise BundleError(f"{name} must be {np.dtype(dtype).name}, is {np.dtype(details['dtype']).name}")
    shape = [int(size) for size in details["shape"]]
    # -1 in the shape signature: the model was converted with a free dimension.
    if len(shape) != 2 or shape[0] != 1 or min(shape) < 1 or -1 in details.get("shape_signature", []):
        raise BundleError(f"{name} must have a fixed shape [1, n], has {shape}")
