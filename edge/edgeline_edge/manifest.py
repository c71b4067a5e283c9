"""What a bundle says about itself."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from edgeline_edge import schema
from edgeline_edge.errors import BundleError
from edgeline_edge.inputs.sections import needed, text_section
from edgeline_edge.long_text import LongText

FORMAT = "edgeline-bundle"
FORMAT_VERSION = 2  # the newest; a bundle of a text and labels alone is of version 1, as it always was
SIGNATURE = "serving_default"
INPUTS = ("token_ids", "padding_mask")
_OF_TEXT = ("sequence_length", "normalization")
_NO_TEXT: Mapping[str, Any] = {"sequence_length": 0, "normalization": {}}
# Where it is not said, the tokenizer is WordPiece, and the beginning of a text is read.
_MAY_OF_TEXT = ("tokenizer", "long_text", "max_windows")


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The manifest of a bundle; fields and limits are those of `data/manifest-<format version>.schema.json`.

    Both versions are read into one form. In version 2, what is said of the text stands in its item of `inputs`, and the
    labels, where answers are names, in `target`.

    Attributes:
        task: what the model decides, as `sentiment`.
        recipe: name of the conversion recipe, as `dynamic_wi8_afp32`.
        run_id: the training run that the model comes from.
        licence: SPDX expression.
        signature: name, inputs and outputs of the model, each tensor with dtype and shape.
        sequence_length: tokens per text, special ones included; 0 where rows have no text.
        normalization: name, version and digest of the table that normalises text; empty where rows have none.
        labels: in the order of the model's output; none where answers are no names.
        digests: SHA-256 by name: `tflite`, `vocabulary`, `labels`; and `data`, `config`, `code` where known.
        metrics: what was measured once on the test split; `None` until then.
        tolerance: largest difference of a score from the converter's in-process check, where recorded.
        calibration: `{"temperature": t}`, or `None`: the scores are the model's own.
        tokenizer: what cuts a text into pieces, see `edgeline_edge.tokenizers`; `None` is WordPiece.
        long_text: what the model was trained to read of a text that does not fit its window, see
            `edgeline_edge.long_text`. A bundle that does not say was made for `head`.
        max_windows: most windows of a text, with `windows` alone.
        decision: what was chosen of how an answer follows from the model's output. Of two labels
            `{"label": name, "threshold": t}`: this label is answered where its score is `t` or more, the other one
            elsewhere; of several labels a row `{"thresholds": {name: t, …}}`; of a number `{"half_width": w}`, how far
            its interval reaches to either side. `None`: the label with the highest score is the answer, each label
            from a score of one half on, a number without an interval.
        notes: anything else.
        inputs: of version 2: each with its `name`, `kind`, `column`, `tensors`, and all that a device must know to make
            these of a record; `None` in version 1, whose only input is a text.
        target: of version 2: `kind` and `output`; of one or many labels `labels`, of a number its bounds `min` and
            `max`, the interval's `coverage`, and the `deviation` of the rows that it learned from.
        runtime: of version 2: the version of each operator, and the oldest TensorFlow Lite that has them.
        probes: of version 2: a few records with the scores that the model gave to them when it was made; of a number,
            the number is the only one.
    """

    task: str
    recipe: str
    run_id: str
    licence: str
    signature: Mapping[str, Any]
    sequence_length: int
    normalization: Mapping[str, Any]
    labels: tuple[str, ...]
    digests: Mapping[str, str]
    metrics: Mapping[str, Any] | None = None
    tolerance: float | None = None
    calibration: Mapping[str, float] | None = None
    tokenizer: Mapping[str, Any] | None = None
    long_text: LongText = "head"
    max_windows: int | None = None
    decision: Mapping[str, Any] | None = None
    notes: Mapping[str, Any] | None = None
    inputs: tuple[Mapping[str, Any], ...] | None = None
    target: Mapping[str, Any] | None = None
    runtime: Mapping[str, Any] | None = None
    probes: tuple[Mapping[str, Any], ...] | None = None

    @property
    def has_text(self) -> bool:
        """Whether rows have a text, which the bundle's vocabulary is for."""
        return self.sequence_length > 0

    @property
    def format_version(self) -> int:
        """1 where a text is the only input and one label the answer, else 2."""
        return 1 if self.inputs is None else 2

    @classmethod
    def from_json(cls, content: bytes) -> Manifest:
        """Reads and checks a manifest.

        Args:
            content: the file `manifest.json`.

        Returns:
            The manifest.

        Raises:
            BundleError: not JSON, of a newer format, or against the schema; the message names the field.
        """
        try:
            value = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise BundleError(f"the manifest is not JSON: {error}") from error
        return cls.from_dict(value)

    @classmethod
    def from_dict(cls, value: object) -> Manifest:
        """Checks a manifest that was parsed already.

        Args:
            value: the JSON object.

        Returns:
            The manifest.

        Raises:
            BundleError: of a newer format, or against the schema; the message names the field.
        """
        version = value.get("format_version") if isinstance(value, dict) else None
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise BundleError(newer_format(version))
        known = version if version in (1, FORMAT_VERSION) and not isinstance(version, bool) else 1
        wrong = list(schema.problems(value, schema.manifest_schema(known)))
        if wrong or not isinstance(value, dict):
            more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
            raise BundleError(f"the manifest is not valid: {'; '.join(wrong[:3])}{more}")
        _check_text(value)
        fields = {name: item for name, item in value.items() if name not in ("format", "format_version")}
        if known > 1:
            text = text_section(fields["inputs"])
            fields |= {name: needed(text, name) for name in _OF_TEXT} if text else _NO_TEXT
            fields |= {name: text[name] for name in _MAY_OF_TEXT if text and name in text}
            fields["labels"] = fields["target"].get("labels", ())
            fields |= {name: tuple(fields[name]) for name in ("inputs", "probes") if name in fields}
        if ("max_windows" in fields) != (fields.get("long_text") == "windows"):
            raise BundleError("the manifest is not valid: max_windows goes with long_text: windows, and only with it")
        return cls(**{**fields, "labels": tuple(fields["labels"])})

    def to_dict(self) -> dict[str, Any]:
        """The manifest as a JSON object, absent fields left out."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        present = {name: value for name, value in fields.items() if value is not None} | {"labels": list(self.labels)}
        if self.long_text == "head":
            del present["long_text"]  # as bundles were before there was a choice, so that older readers take it
        if self.inputs is not None:  # what version 1 says of the text and of the labels has its place there
            present = {
                name: value for name, value in present.items() if name not in (*_OF_TEXT, *_MAY_OF_TEXT, "labels")
            }
            present |= {name: list(present[name]) for name in ("inputs", "probes") if name in present}
        return {"format": FORMAT, "format_version": self.format_version, **present}

    def to_json(self) -> bytes:
        """The file `manifest.json`: the same bytes for the same manifest.

        Raises:
            BundleError: a number is not finite, or a value has no form in JSON.
        """
        try:
            text = json.dumps(self.to_dict(), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
            return f"{text}\n".encode()
        except (TypeError, ValueError) as error:
            raise BundleError(f"the manifest cannot be written as JSON: {error}") from error


def newer_format(version: int) -> str:
    """The message for a bundle that was made for a later release of this package."""
    return (
        f"the bundle has format version {version}, this edgeline-edge reads up to {FORMAT_VERSION}; "
        "upgrade it (`pip install --upgrade edgeline-edge`)"
    )


def _check_text(value: dict[str, Any]) -> None:
    """Refuses half a surrogate pair, which JSON can escape and nothing can print, write or compare."""
    for name, item in value.items():
        try:
            json.dumps([name, item], ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise BundleError(f"the manifest is not valid: {name[:80]!r} holds a lone surrogate") from error
        except (TypeError, ValueError, RecursionError):
            continue  # `to_json` says what is wrong with a value that has no form in JSON


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
