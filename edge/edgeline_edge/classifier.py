"""Texts or records in, answers out: the class that applications use."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from edgeline_edge import tokenizers
from edgeline_edge.bundle import Bundle, parse_bundle, read_bundle
from edgeline_edge.calibration import calibrated
from edgeline_edge.errors import BundleError
from edgeline_edge.inputs import kinds
from edgeline_edge.inputs.base import Array
from edgeline_edge.inputs.sections import text_section
from edgeline_edge.long_text import LongText
from edgeline_edge.manifest import Manifest
from edgeline_edge.rows import Rows
from edgeline_edge.runtime import Model
from edgeline_edge.targets import kinds as targets
from edgeline_edge.targets.base import Target

# Of a row without a text: one run of the model, and no token.
NO_WINDOW = (np.zeros((1, 0), np.int32), np.zeros((1, 0), np.int32))


class CancelledError(RuntimeError):
    """`predict` was told to stop before it was done."""


class Classifier:
    """Answers texts or records with a bundle, in the form of its target: a label, several, or a number.

    Safe to use from several threads: they take turns at the interpreter, while each tokenizes on its own. For more
    throughput raise `num_threads`, or load one classifier per thread.

        >>> classifier = Classifier.load("model.tflite")  # doctest: +SKIP
        >>> classifier.predict(["What a lovely film!"])[0].label  # doctest: +SKIP
        'positive'
    """

    def __init__(self, bundle: Bundle, num_threads: int = 1) -> None:
        """Prepares a bundle that was read already; see `load`.

        Args:
            bundle: the bundle.
            num_threads: threads that one call of the model may use.

        Raises:
            BundleError: LiteRT cannot load the model, or the model contradicts the manifest or the vocabulary.
            ValueError: `num_threads` is less than 1.
        """
        if num_threads < 1:
            raise ValueError(f"num_threads is {num_threads}, must be at least 1")
        self._manifest = bundle.manifest
        sections = bundle.manifest.inputs or ()
        self._table = kinds.table(sections)
        text = text_section(sections)
        self._column = text["column"] if text else ""
        self._may_lack_text = bool(text and text.get("optional"))
        self._target = targets.of(bundle.manifest)
        self._model = Model(bundle.content, num_threads, self._table, type(self._target))
        if (self._model.sequence_length, self._model.output_count) != (
            bundle.manifest.sequence_length,
            self._target.outputs,
        ):
            raise BundleError(
                f"the model has length {self._model.sequence_length} and {self._model.output_count} outputs, "
                f"the manifest says {bundle.manifest.sequence_length} and {self._target.outputs}"
            )
        self._model.check_vocabulary(len(bundle.vocabulary))
        self._tokenizer: Rows | None = None
        if bundle.manifest.has_text:
            kind = tokenizers.of_manifest(bundle.manifest.tokenizer)
            self._tokenizer = kind.make(bundle.vocabulary, bundle.manifest.sequence_length)
        self._temperature = (bundle.manifest.calibration or {}).get("temperature", 1.0)
        self._lock = threading.Lock()

    @classmethod
    def load(cls, path: str | os.PathLike[str] | bytes, num_threads: int = 1) -> Classifier:
        """Loads a bundle.

        Args:
            path: the file, or the content of the file.
            num_threads: threads that one call of the model may use.

        Returns:
            The classifier, ready to answer.

        Raises:
            BundleError: the file is not a bundle that this package can run; the message says why.
            ValueError: `num_threads` is less than 1.
        """
        if isinstance(path, bytes):
            return cls(parse_bundle(path), num_threads)
        bundle = read_bundle(path)
        try:
            return cls(bundle, num_threads)
        except BundleError as error:
            raise BundleError(f"{os.fspath(path)}: {error}") from error

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the model's output; none where answers are no names."""
        return self._manifest.labels

    @property
    def target(self) -> Target:
        """What it answers with."""
        return self._target

    @property
    def manifest(self) -> Manifest:
        """What the bundle says about itself."""
        return self._manifest

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields of a record; none where a text is the only input and has no name."""
        return tuple(section["column"] for section in self._manifest.inputs or ())

    @property
    def takes_records(self) -> bool:
        """Whether `predict` wants records: the model reads more than a text."""
        return bool(self._table)

    @property
    def text_field(self) -> str:
        """The field of a record that holds the text; empty where a text is the only input and has no name."""
        return self._column

    @property
    def file_columns(self) -> tuple[str, ...]:
        """The fields of a record whose value may be a file, given as a `pathlib.Path`."""
        return tuple(part.column for part in self._table if part.reads_files)

    def row(self, text: str) -> str | dict[str, Any]:
        """A text as `predict` takes it: itself, a record that has nothing else, or an empty one where none is read."""
        if not self._table:
            return text
        return {self._column: text} if self._column else {}

    @property
    def tokenizer(self) -> Rows:
        """The tokenizer of the bundle's vocabulary.

        Raises:
            ValueError: its rows have no text.
        """
        if self._tokenizer is None:
            raise ValueError(f"this bundle reads no text, but {', '.join(self.columns)}")
        return self._tokenizer

    def predict(
        self,
        texts: Sequence[str | Mapping[str, Any]],
        *,
        long_text: LongText | None = None,
        max_windows: int | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[Any]:
        """Answers texts, or records where the bundle has further inputs.

        Args:
            texts: the texts, not a single string; with further inputs records such as `{"text": …, "price": 3.5}`, by
                the names of `columns`. A field that is missing or `None` is one that the record does not have.
            long_text: what to read of a text that does not fit the model's window: `head`, `head_tail` or `windows`,
                see `edgeline_edge.long_text`; by default what the model was trained for, as the manifest says.
            max_windows: most windows of a text, where it is read in windows; a text that fills more is read in so
                many, spread evenly over it. Never more than the manifest says; by default as many.
            cancelled: asked before each run of the model; True stops.

        Returns:
            One answer for each text, in their order: of one label a `Prediction` (`label`, `score`, `scores`), of
            several a `LabelSet` (`labels`, `scores`, `thresholds`), of a number an `Estimate` (`number`, `low`,
            `high`).

        Raises:
            TypeError: `texts` is a string, an item is neither a string nor a record, as the bundle wants it, or a field
                is of another type; the message names its index.
            ValueError: a field is none of the bundle's, or a text is empty, the message names its index; or `long_text`
                or `max_windows` is none of these.
            CancelledError: `cancelled` said so.
        """
        found = self.outputs(texts, long_text=long_text, max_windows=max_windows, cancelled=cancelled)
        return [self._target.answer(row) for row in found]

    def outputs(
        self,
        texts: Sequence[str | Mapping[str, Any]],
        *,
        long_text: LongText | None = None,
        max_windows: int | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> npt.NDArray[np.float32]:
        """What the model gives, before anything is decided: of labels their scores, of a number the number.

        Args:
            texts: as of `predict`.
            long_text: as of `predict`.
            max_windows: as of `predict`.
            cancelled: as of `predict`.

        Returns:
            float32 `[texts, outputs]`.

        Raises:
            TypeError: as `predict`.
            ValueError: as `predict`.
            CancelledError: `cancelled` said so.
        """
        how = self._manifest.long_text if long_text is None else long_text
        if how not in get_args(LongText):
            raise ValueError(f"long_text is {how!r}, must be one of {', '.join(get_args(LongText))}")
        if max_windows is not None and max_windows < 1:
            raise ValueError(f"max_windows is {max_windows}, must be at least 1")
        most = min((number for number in (max_windows, self._manifest.max_windows) if number), default=None)
        rows = self._checked(texts)
        found = np.empty((len(rows), self._target.outputs), np.float32)
        for number, (text, others) in enumerate(rows):
            windows = NO_WINDOW
            if self._tokenizer is not None:
                windows = self._tokenizer.rows(self._tokenizer.cut(text, how, most))
            scores = self._run(*windows, cancelled, others)
            found[number] = scores[0] if len(scores) == 1 else scores.mean(axis=0)
        return found

    def predict_ids(self, token_ids: npt.ArrayLike, padding_mask: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Runs the model on rows that are tokenized already.

        Args:
            token_ids: integers `[rows, sequence_length]`.
            padding_mask: integers `[rows, sequence_length]`, 1 where there is a token, 0 for padding.

        Returns:
            What the model gives, float32 `[rows, outputs]`.

        Raises:
            ValueError: the shapes or dtypes are not these, or an id or mask is out of range.
        """
        if self._table:
            raise ValueError(f"predict_ids is for a text alone, this bundle reads {', '.join(self.columns)}")
        arrays = []
        for name, value, limit in (
            ("token_ids", token_ids, len(self.tokenizer.vocabulary)),
            ("padding_mask", padding_mask, 2),
        ):
            array = np.asarray(value)
            if array.ndim != 2 or array.shape[1] != self.tokenizer.sequence_length or array.dtype.kind not in "iu":
                wanted = f"integers [rows, {self.tokenizer.sequence_length}]"
                raise ValueError(f"{name} must be {wanted}, is {array.dtype} {list(array.shape)}")
            # An id beyond the embedding would read foreign memory in some kernels.
            if array.size and not 0 <= array.min() <= array.max() < limit:
                raise ValueError(f"{name} must lie in 0 … {limit - 1}, spans {array.min()} … {array.max()}")
            arrays.append(np.ascontiguousarray(array, np.int32))
        if len(arrays[0]) != len(arrays[1]):
            raise ValueError(f"token_ids has {len(arrays[0])} rows, padding_mask {len(arrays[1])}")
        return self._run(arrays[0], arrays[1])

    def _run(
        self,
        token_ids: npt.NDArray[np.int32],
        padding_mask: npt.NDArray[np.int32],
        cancelled: Callable[[], bool] | None = None,
        others: Mapping[str, Array] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Scores of the windows of one row, or of rows without anything else."""
        result = np.empty((len(token_ids), self._target.outputs), np.float32)
        for row in range(len(token_ids)):
            if cancelled is not None and cancelled():
                raise CancelledError("stopped before the answer was there")
            with self._lock:
                result[row] = self._model(token_ids[row : row + 1], padding_mask[row : row + 1], others)[0]
        return result if self._temperature == 1.0 else calibrated(result, self._temperature)

    def _checked(self, rows: Iterable[object]) -> list[tuple[str, dict[str, Array] | None]]:
        """The text of each row, and what else the model reads of it."""
        if isinstance(rows, (str, bytes, Mapping)):
            what = "strings" if not self._table else "records"
            raise TypeError(f"texts must be a list of {what}, is a single {type(rows).__name__}: write [text]")
        found: list[tuple[str, dict[str, Array] | None]] = []
        for index, row in enumerate(rows):
            where = f"texts[{index}]"
            text, others = row, None
            if self._table:
                text, others = self._parts(row, where)
                if not self._column or (self._may_lack_text and text in (None, "")):
                    found.append(("", others))
                    continue
            elif self._column and isinstance(row, Mapping):
                text = row.get(self._column)
            if not isinstance(text, str):
                raise TypeError(f"{where} must be a string, is {type(text).__name__}")
            if not text:
                raise ValueError(f"{where} is empty")
            found.append((text, others))
        return found

    def _parts(self, row: object, where: str) -> tuple[object, dict[str, Array]]:
        """The text of a record, and the tensors of its other fields."""
        if not isinstance(row, Mapping):
            wanted = ", ".join(self.columns)
            raise TypeError(f"{where} must be a record with the fields {wanted}, is {type(row).__name__}")
        columns = self.columns
        unknown = [str(name) for name in row if name not in columns]
        if unknown:
            raise ValueError(f"{where} has the field {unknown[0]!r}; the model reads {', '.join(columns)}")
        if self._column and self._column not in row and not self._may_lack_text:
            raise ValueError(f"{where} has no field {self._column!r}")
        tensors: dict[str, Array] = {}
        for part in self._table:
            try:
                tensors |= part.encode(row.get(part.column))
            except (TypeError, ValueError) as error:
                raise type(error)(f"{where}: {error}") from error
        return row.get(self._column), tensors
