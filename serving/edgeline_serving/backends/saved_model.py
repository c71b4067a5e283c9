"""A SavedModel as Edgeline exports it, by TensorFlow: raw values in, through `serving_text` or `serving_rows`."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from edgeline_serving.backends.base import Answer, Backend, Column, Datatype, Row, labelled, several
from edgeline_serving.backends.batches import Batches
from edgeline_serving.errors import VersionError

SIGNATURES = ("serving_text", "serving_rows")
CARD = Path("assets.extra") / "model_card.json"
_NONE = math.nan  # how ExampleGen writes a number that a row does not have, see docs/data.md
PROBABILITIES, LABEL, DECISION = "probabilities", "label", "decision"
MANY_LABELS = "many_labels"  # what the card calls the kind of target that answers with several


class SavedModelBackend(Backend):
    """A SavedModel in memory; requests that wait at the same time are answered in one call."""

    platform = "tensorflow_savedmodel"

    def __init__(self, folder: Path, *, batch: int = 32) -> None:
        """Loads the model.

        Args:
            folder: of the version.
            batch: most rows of one call.

        Raises:
            VersionError: TensorFlow is not installed or cannot load it, or it has no signature that takes raw values.
        """
        if not (folder / "saved_model.pb").is_file():
            raise VersionError(f"{folder}: there is no saved_model.pb")
        self._tensorflow = tensorflow = load_tensorflow()
        try:
            # A signature does not keep the variables of its model alive.
            self._loaded = tensorflow.saved_model.load(str(folder))
        except Exception as error:  # TensorFlow raises whatever a damaged file leads it to
            raise VersionError(f"{folder}: TensorFlow cannot load it: {type(error).__name__}: {error}") from error
        names = [name for name in SIGNATURES if name in self._loaded.signatures]
        if not names:
            raise VersionError(
                f"{folder}: none of the signatures {', '.join(SIGNATURES)} is there; "
                f"it has: {', '.join(self._loaded.signatures) or 'none'}"
            )
        self._signature = self._loaded.signatures[names[0]]
        self._dtypes = {name: spec.dtype for name, spec in self._signature.structured_input_signature[1].items()}
        self.columns = tuple(_column(folder, name, dtype) for name, dtype in self._dtypes.items())
        self._only_text = names[0] == SIGNATURES[0]
        card = _card(folder)
        self.task = str(card.get("task") or "")
        self.labels = self._labels(folder, card)
        self.several = card.get("target") == MANY_LABELS and DECISION in self._signature.structured_outputs
        self._batches = Batches(self._answers, batch)

    def submit(self, rows: Sequence[Row], stop: Callable[[], bool]) -> Future[list[Answer]]:
        """See `Backend.submit`."""
        return self._batches.submit(rows, stop)

    def close(self) -> None:
        """See `Backend.close`."""
        self._batches.close()

    def _labels(self, folder: Path, card: Mapping[str, Any]) -> tuple[str, ...]:
        outputs = self._signature.structured_outputs
        if PROBABILITIES not in outputs:
            return ()
        count, named = outputs[PROBABILITIES].shape[-1], tuple(map(str, card.get("labels") or ()))
        if named and count not in (None, len(named)):
            raise VersionError(f"{folder}: the card names {len(named)} labels, the model answers with {count}")
        if not named and count is None:
            raise VersionError(f"{folder}: neither the card nor the model says how many labels there are")
        return named or tuple(map(str, range(count)))

    def _answers(self, rows: Sequence[Row]) -> list[Answer]:
        # An empty text has no answer that could be meant; a bundle refuses it as well.
        asked = [row for row in rows if not (self._only_text and not row[self.columns[0].name])]
        found = iter(self._outputs(asked) if asked else ())
        return [
            {"error": "the text is empty"} if self._only_text and not row[self.columns[0].name] else next(found)
            for row in rows
        ]

    def _outputs(self, rows: Sequence[Row]) -> list[Answer]:
        given = {
            name: self._tensorflow.constant([_raw(row.get(name, _NONE)) for row in rows], dtype)
            for name, dtype in self._dtypes.items()
        }
        outputs = {name: value.numpy().tolist() for name, value in self._signature(**given).items()}
        if self.several:
            pairs = zip(outputs[PROBABILITIES], outputs[DECISION], strict=True)
            return [several(self.labels, scores, decision) for scores, decision in pairs]
        if self.labels:
            names = [_decoded(label) for label in outputs.get(LABEL) or [None] * len(rows)]
            return [
                labelled(self.labels, scores, label)
                for scores, label in zip(outputs[PROBABILITIES], names, strict=True)
            ]
        return [{name: _decoded(values[row]) for name, values in outputs.items()} for row in range(len(rows))]


def load_tensorflow() -> Any:
    """TensorFlow, with the tokenizer's operations.

    Raises:
        VersionError: it is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Set where models are trained; here it would have TensorFlow look for a Keras that a server does not need.
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    try:
        import tensorflow
        import tensorflow_text  # noqa: F401  (registers the tokenizer's operations)
    except ImportError as error:
        raise VersionError(
            f"a SavedModel needs TensorFlow and tensorflow_text ({error}): pip install 'edgeline-serving[savedmodel]'"
        ) from error
    return tensorflow


def _column(folder: Path, name: str, dtype: Any) -> Column:
    known: dict[str, Datatype] = {"string": "BYTES", "int64": "INT64", "float32": "FP32"}
    if dtype.name not in known:
        raise VersionError(f"{folder}: the argument {name} is of type {dtype.name}, which no column has")
    return Column(name, known[dtype.name], optional=known[dtype.name] == "FP32")


def _card(folder: Path) -> Mapping[str, Any]:
    """The card that was pushed with the model; empty where there is none."""
    try:
        found = json.loads((folder / CARD).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise VersionError(f"{folder / CARD}: cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}


def _raw(value: Any) -> Any:
    # JSON can escape half of a surrogate pair, which has no UTF-8.
    return value.encode("utf-8", "replace") if isinstance(value, str) else value


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
