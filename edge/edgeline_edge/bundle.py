"""Bundles: one `.tflite` file that carries vocabulary, labels and manifest behind the model.

    <flatbuffer><zip of manifest.json, labels.txt, vocab.txt>

Of a Unigram tokenizer, `pieces.tsv` takes the place of `vocab.txt` (`edgeline_edge.tokenizers`).
With a text alone and one label as its answer it is of format version 1, else of version 2, whose manifest lists the
inputs and describes the target.

Reading trusts nothing: see `archive` for the container. Writing is atomic, and gives the same bytes for the same
contents.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeline_edge import archive, consistency, files, operators, tokenizers
from edgeline_edge.errors import BundleError
from edgeline_edge.inputs.sections import TEXT, text_section
from edgeline_edge.manifest import FORMAT, INPUTS, Manifest
from edgeline_edge.targets import kinds as targets

MANIFEST, LABELS = "manifest.json", "labels.txt"


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A bundle in memory, checked whole.

    Attributes:
        manifest: what it says about itself.
        vocabulary: the lines of its file, in the order of the ids: tokens, or pieces with their scores.
        content: the whole file; LiteRT takes it as it is.
        model_bytes: length of the flatbuffer at its beginning.
    """

    manifest: Manifest
    vocabulary: tuple[str, ...]
    content: bytes = dataclasses.field(repr=False)
    model_bytes: int


def read_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Reads and checks a bundle.

    Args:
        path: the file.

    Returns:
        The bundle.

    Raises:
        BundleError: the file is missing, too large, not a bundle, of a newer format, altered, or contradicts itself.
    """
    try:
        return parse_bundle(files.read(Path(path)))
    except BundleError as error:
        raise BundleError(f"{os.fspath(path)}: {error}") from error


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Reads the manifest of a bundle, after checking the bundle whole.

    Args:
        path: the file.

    Returns:
        The manifest.

    Raises:
        BundleError: as `read_bundle`.
    """
    return read_bundle(path).manifest


def parse_bundle(content: bytes) -> Bundle:
    """Checks a bundle that is in memory already.

    Args:
        content: the whole file.

    Returns:
        The bundle.

    Raises:
        BundleError: not a bundle, of a newer format, altered, or contradicting itself.
    """
    model_bytes, carried = archive.split(content)
    kinds = (tokenizers.WORDPIECE, tokenizers.UNIGRAM)
    kind = next((kind for kind in kinds if kind.member in carried), tokenizers.WORDPIECE)
    expected = [MANIFEST, LABELS, kind.member]
    if list(carried) != expected:
        missing = [name for name in expected if name not in carried]
        raise BundleError(
            f"the bundle lacks {', '.join(missing)}" if missing else f"the bundle holds {', '.join(carried)}"
        )
    manifest = Manifest.from_json(carried[MANIFEST])
    if manifest.format_version != archive.version_of(content):
        raise BundleError(f"the manifest is of format version {manifest.format_version}, the seal of another one")
    actual = {"vocabulary": _sha256(carried[kind.member]), "labels": _sha256(carried[LABELS])}
    actual["tflite"] = _sha256(memoryview(content)[:model_bytes])
    for name, digest in actual.items():
        if manifest.digests[name] != digest:
            raise BundleError(f"the {name} is not the one of the manifest (SHA-256 {digest[:12]}…)")
    if carried[LABELS] != _lines(manifest.labels):
        raise BundleError(f"{LABELS} differs from the labels of the manifest")
    consistency.check(manifest)
    asked = tokenizers.of_manifest(manifest.tokenizer)
    if manifest.has_text and asked is not kind:
        raise BundleError(f"the bundle holds {kind.member}, its manifest asks for {asked.member}")
    try:
        vocabulary = tuple(carried[kind.member].decode("utf-8").split("\n")[:-1])
    except UnicodeDecodeError as error:
        raise BundleError(f"{kind.member} is not UTF-8: {error}") from error
    problem = kind.problem(vocabulary) if manifest.has_text else consistency.no_words(vocabulary)
    if problem:
        raise BundleError(f"{kind.member}: {problem}")
    return Bundle(manifest, vocabulary, content, model_bytes)


def write_bundle(
    tflite: bytes | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    vocabulary: Sequence[str],
    labels: Sequence[str],
    manifest: Mapping[str, Any] | Manifest,
    inputs: Sequence[Mapping[str, Any]] | None = None,
    target: Mapping[str, Any] | None = None,
    probes: Sequence[Mapping[str, Any]] = (),
) -> Manifest:
    """Writes a bundle: to a temporary file beside the target, then renamed, so that no half of one is ever seen.

    Args:
        tflite: the model, or the path of its file. What follows the flatbuffer of a bundle is replaced.
        path: the file to write; an existing one is replaced.
        vocabulary: the lines of its file in the order of the ids, tokens of WordPiece or a table of pieces; may be a
            subset of the original, renumbered; none where `inputs` has no text.
        labels: in the order of the model's output; none where answers are no names.
        manifest: `task`, `recipe`, `run_id`, `licence`, and where known `digests` (`data`, `config`, `code`),
            `metrics`, `tolerance`, `calibration`, `notes`. What can be derived (signature, sequence length,
            normalisation, labels, the other digests) is derived; if given as well, it must agree, digests excepted.
        inputs: where there are more than a text, or another target than one label: each with `name`, `kind`, `column`,
            `tensors` and what else its kind says in `manifest-2.schema.json`; the bundle is then of format version 2.
        target: of version 2, where the answer is not one label: `kind` and what else it says of its answers in that
            schema, its output and labels left out.
        probes: of version 2, made-up records: what the model gives to them is written down with them.

    Returns:
        The manifest as written.

    Raises:
        BundleError: the model, vocabulary, labels or manifest break the contract of bundles.
        OSError: the file cannot be written.
    """
    # Only here, not where bundles are read: it loads the runtime.
    from edgeline_edge import runtime
    from edgeline_edge.inputs import kinds

    content = tflite if isinstance(tflite, bytes) else files.read(Path(tflite))
    model = _without_tail(content)
    kind, has_text = tokenizers.of_lines(vocabulary), inputs is None or text_section(inputs) is not None
    problem = kind.problem(vocabulary) if has_text else consistency.no_words(vocabulary)
    if problem:
        raise BundleError(f"vocabulary: {problem}")
    if target is not None and inputs is None:
        raise BundleError(f"a target of kind {target.get('kind')!r} is of format version 2, which names its inputs")
    answers = targets.kind_of(target)
    if labels and "labels" not in answers.fields:
        raise BundleError(f"a target of kind {answers.kind} has no labels, but {len(labels)} are given")
    signature = runtime.signature(model, len(vocabulary), kinds.table(inputs or ()), answers)
    given = manifest.to_dict() if isinstance(manifest, Manifest) else dict(manifest)
    of_text: dict[str, Any] = (
        {}
        if not has_text
        else {
            "sequence_length": signature["inputs"][INPUTS[0]]["shape"][1],
            "normalization": consistency.normalization(kind),
            **({"tokenizer": dict(kind.spec)} if kind.spec else {}),
        }
    )
    derived = {"format": FORMAT, "format_version": 1, "signature": signature, **of_text, "labels": list(labels)}
    if inputs is not None:
        derived = _of_version_2(model, signature, inputs, of_text)
        named = {"labels": list(labels)} if "labels" in answers.fields else {}
        derived["target"] = {**(target or {}), "kind": answers.kind, "output": answers.output, **named}
        given.pop("probes", None)
    for name, value in derived.items():
        claimed = given.get(name, value)
        if (list(claimed) if name == "labels" else claimed) != value:
            raise BundleError(f"the manifest's {name} is {claimed!r}, but the bundle's is {value!r}")
    attached = {LABELS: _lines(labels), kind.member: _lines(vocabulary)}
    carried = {
        "tflite": _sha256(model),
        "vocabulary": _sha256(attached[kind.member]),
        "labels": _sha256(attached[LABELS]),
    }
    checked = Manifest.from_dict({**given, **derived, "digests": {**given.get("digests", {}), **carried}})
    consistency.check(checked)
    version = checked.format_version
    if probes:
        unproved = archive.append(model, {MANIFEST: checked.to_json(), **attached}, version)
        checked = dataclasses.replace(checked, probes=_answered(unproved, probes))
    files.write(Path(path), archive.append(model, {MANIFEST: checked.to_json(), **attached}, version))
    return checked


def _of_version_2(
    model: bytes,
    signature: Mapping[str, Any],
    inputs: Sequence[Mapping[str, Any]],
    of_text: Mapping[str, Any],
) -> dict[str, Any]:
    """What a manifest of version 2 says that can be derived."""
    oldest = operators.oldest_runtime(model)
    return {
        "format": FORMAT,
        "format_version": 2,
        "signature": signature,
        "inputs": [{**section, **of_text} if section.get("kind") == TEXT else dict(section) for section in inputs],
        "runtime": {
            "operators": operators.versions(model),
            **({"oldest_tensorflow_lite": oldest} if oldest else {}),
        },
    }


def _answered(content: bytes, records: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Records with what the model of a bundle gives to them."""
    from edgeline_edge.classifier import Classifier  # loads the runtime

    outputs = Classifier.load(content).outputs(records)
    return tuple(
        {"record": dict(record), "scores": scores.tolist()} for record, scores in zip(records, outputs, strict=True)
    )


def update_manifest(source: str | os.PathLike[str], target: str | os.PathLike[str], **changes: Any) -> Manifest:
    """Writes a copy of a bundle whose manifest says more, as the metrics that were measured after conversion.

    Args:
        source: the bundle to copy.
        target: the file to write; may be the source itself.
        **changes: fields of the manifest with their new values; `None` removes an optional one.

    Returns:
        The manifest as written.

    Raises:
        BundleError: the source is not a bundle, or the new manifest is not valid.
        OSError: the file cannot be written.
    """
    bundle = read_bundle(source)
    merged = {name: value for name, value in {**bundle.manifest.to_dict(), **changes}.items() if value is not None}
    return write_bundle(
        bundle.content,
        target,
        vocabulary=bundle.vocabulary,
        labels=bundle.manifest.labels,
        manifest=merged,
        inputs=bundle.manifest.inputs,
        target=bundle.manifest.target,
        probes=[probe["record"] for probe in bundle.manifest.probes or ()],
    )


def _without_tail(content: bytes) -> bytes:
    """The flatbuffer of a bundle, or the content itself if it is a bare model."""
    try:
        end, _ = archive.split(content)
    except BundleError:
        return content
    return content[:end]


def _lines(items: Sequence[str]) -> bytes:
    try:
        return "".join(f"{item}\n" for item in items).encode("utf-8")
    except UnicodeEncodeError as error:
        raise BundleError(f"a label or token has no form in UTF-8: {error}") from error


def _sha256(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()
