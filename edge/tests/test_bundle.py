"""The file format: what is written, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeline_edge import BundleError, Classifier, archive, read_bundle, read_manifest, update_manifest, write_bundle
from edgeline_edge.manifest import Manifest

LABELS = ("negative", "neutral", "positive")
MANIFEST = {"task": "sentiment", "recipe": "dynamic_wi8_afp32", "run_id": "r1", "licence": "Apache-2.0"}
FILES = ["manifest.json", "labels.txt", "vocab.txt"]


def write(path: Path, tiny: bytes, vocabulary: list[str], labels: Any = LABELS, **fields: Any) -> Manifest:
    return write_bundle(tiny, path, vocabulary=vocabulary, labels=labels, manifest={**MANIFEST, **fields})


def attached(path: Path) -> dict[str, bytes]:
    return archive.split(path.read_bytes())[1]


def sealed(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_bundle_is_a_zip_for_zip_tools_and_a_model_for_litert(bundle_path: Path, vocabulary: list[str]) -> None:
    from ai_edge_litert.interpreter import Interpreter

    with zipfile.ZipFile(bundle_path) as bundle:
        assert bundle.namelist() == FILES
        assert bundle.testzip() is None
        assert bundle.read("vocab.txt").decode().splitlines() == vocabulary
        assert bundle.read("labels.txt").decode().splitlines() == list(LABELS)
        assert json.loads(bundle.read("manifest.json"))["labels"] == list(LABELS)
    runner = Interpreter(model_path=str(bundle_path)).get_signature_runner("serving_default")
    row = np.ones((1, 32), np.int32)
    assert runner(token_ids=row, padding_mask=row)["probabilities"].shape == (1, 3)


def test_what_was_written_is_read(bundle_path: Path, tiny: bytes, vocabulary: list[str]) -> None:
    bundle = read_bundle(bundle_path)
    assert bundle.vocabulary == tuple(vocabulary)
    assert bundle.content[: bundle.model_bytes] == tiny
    assert bundle.manifest == read_manifest(bundle_path)
    assert bundle.manifest.sequence_length == 32
    assert bundle.manifest.signature["inputs"]["token_ids"] == {"dtype": "int32", "shape": [1, 32]}


def test_the_same_contents_give_the_same_bytes(tmp_path: Path, tiny: bytes, vocabulary: list[str]) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, tiny, vocabulary, metrics={"b": 1.0, "a": 2.0} if name == "a" else {"a": 2.0, "b": 1.0})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_every_field_survives(tmp_path: Path, tiny: bytes, vocabulary: list[str]) -> None:
    fields = {
        "metrics": {"accuracy": 0.8, "slices": {"tweet": {"accuracy": 0.7}}},
        "tolerance": 0.01,
        "calibration": {"temperature": 1.5},
        "notes": {"language": "en"},
        "digests": dict.fromkeys(("data", "config", "code"), "0" * 64),
    }
    written = write(tmp_path / "b", tiny, vocabulary, **fields)
    assert read_manifest(tmp_path / "b") == written
    assert written.metrics == fields["metrics"]
    assert written.digests["data"] == "0" * 64


def test_metrics_can_be_added_later_and_nothing_else_changes(tmp_path: Path, bundle_path: Path, tiny: bytes) -> None:
    updated = update_manifest(bundle_path, tmp_path / "new", metrics={"accuracy": 0.9})
    old, new = read_bundle(bundle_path), read_bundle(tmp_path / "new")
    assert new.manifest == updated
    assert new.manifest.metrics == {"accuracy": 0.9}
    assert {**new.manifest.to_dict(), "metrics": 0} == {**old.manifest.to_dict(), "metrics": 0}
    assert new.content[: new.model_bytes] == tiny
    assert update_manifest(tmp_path / "new", tmp_path / "new", metrics=None) == old.manifest
    assert (tmp_path / "new").read_bytes() == bundle_path.read_bytes()


def test_writing_is_all_or_nothing(tmp_path: Path, tiny: bytes, vocabulary: list[str], monkeypatch: Any) -> None:
    write(tmp_path / "b", tiny, vocabulary)
    before = (tmp_path / "b").read_bytes()

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path / "b", tiny, vocabulary, metrics={"a": 1})
    assert (tmp_path / "b").read_bytes() == before
    assert os.listdir(tmp_path) == ["b"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["a", "b"]}, "2 labels demand"),
        ({"labels": ["a", "a", "b"]}, "twice"),
        ({"labels": ["a", "b\n", "c"]}, "match"),
        ({"vocabulary": ["a"]}, "missing"),
        ({"tflite": b"no model"}, "the model cannot be read"),
        ({"manifest": {"task": "t"}}, "recipe is missing"),
        ({"manifest": {**MANIFEST, "colour": "red"}}, "colour is not a known field"),
        ({"manifest": {**MANIFEST, "sequence_length": 16}}, "sequence_length is 16"),
        ({"manifest": {**MANIFEST, "digests": {"data": "x"}}}, "digests.data must match"),
        ({"manifest": {**MANIFEST, "metrics": {"a": float("nan")}}}, "JSON"),
        ({"manifest": {**MANIFEST, "calibration": {"temperature": 0}}}, "temperature must lie between"),
        ({"manifest": {**MANIFEST, "calibration": {"temperature": True}}}, "must be of type number"),
        (
            {"manifest": {**MANIFEST, "decision": {"label": "neutral", "threshold": 0.3}}},
            "of two labels, but the labels",
        ),
        ({"manifest": {**MANIFEST, "decision": {"label": "neutral"}}}, "decision.threshold is missing"),
        (
            {"manifest": {**MANIFEST, "decision": {"label": "neutral", "threshold": 2}}},
            "threshold must lie between 0 and 1",
        ),
        ({"manifest": {**MANIFEST, "format_version": 2}}, "format_version is 2"),
        ({"manifest": {**MANIFEST, "notes": {"a": ["\ud800"]}}}, "notes' holds a lone surrogate"),
        ({"labels": ["a", "b\udfff", "c"]}, "no form in UTF-8"),
    ],
)
def test_the_writer_refuses_what_readers_would(
    tmp_path: Path, tiny: bytes, vocabulary: list[str], changes: dict[str, Any], message: str
) -> None:
    arguments = {"tflite": tiny, "vocabulary": vocabulary, "labels": LABELS, "manifest": MANIFEST, **changes}
    model = arguments.pop("tflite")
    with pytest.raises(BundleError, match=message):
        write_bundle(model, tmp_path / "b", **arguments)
    assert not os.listdir(tmp_path)


def test_a_vocabulary_longer_than_the_embedding_is_refused_by_writer_and_reader(
    tmp_path: Path, bundle_path: Path, tiny: bytes, vocabulary: list[str]
) -> None:
    message = f"{len(vocabulary) + 1} tokens, more than the model has embeddings"
    with pytest.raises(BundleError, match=message):
        write(tmp_path / "b", tiny, [*vocabulary, "more"])
    files = attached(bundle_path)
    longer = files["vocab.txt"] + b"more\n"
    manifest = json.loads(files["manifest.json"])
    manifest["digests"]["vocabulary"] = hashlib.sha256(longer).hexdigest()
    content = archive.append(tiny, {**files, "manifest.json": json.dumps(manifest).encode(), "vocab.txt": longer})
    with pytest.raises(BundleError, match=message):
        Classifier.load(content)


def test_every_truncation_is_refused(bundle_path: Path) -> None:
    content = bundle_path.read_bytes()
    for length in [*range(0, 200), *range(200, len(content), 97), *range(len(content) - 200, len(content))]:
        with pytest.raises(BundleError):
            Classifier.load(content[:length])


def test_every_flipped_byte_is_refused(bundle_path: Path) -> None:
    content = bytearray(bundle_path.read_bytes())
    for position in range(len(content)):
        content[position] ^= 1 << position % 8
        with pytest.raises(BundleError):
            archive.split(bytes(content))
        content[position] ^= 1 << position % 8
    archive.split(bytes(content))


def test_bytes_behind_the_bundle_are_refused(bundle_path: Path) -> None:
    with pytest.raises(BundleError, match="seal"):
        Classifier.load(bundle_path.read_bytes() + b"\0")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vocab.txt": None}, "lacks vocab.txt"),
        ({"manifest.json": None}, "lacks manifest.json"),
        ({"../../etc/passwd": b"x"}, "holds manifest.json, labels.txt, vocab.txt, ../../etc/passwd"),
        ({"vocab.txt": b"[PAD]\n"}, "vocabulary is not the one of the manifest"),
        ({"labels.txt": b"a\nb\nc\n"}, "labels is not the one of the manifest"),
        ({"manifest.json": b"{"}, "not JSON"),
        ({"manifest.json": b"[" * 100_000}, "not JSON"),
        ({"manifest.json": b'{"a": NaN}'}, "not JSON"),
        ({"manifest.json": b"\xff"}, "not JSON"),
        ({"manifest.json": b"[]"}, "must be of type object"),
        ({"manifest.json": b"{}"}, "format is missing"),
    ],
)
def test_wrong_files_under_a_right_seal_are_refused(
    bundle_path: Path, tiny: bytes, change: dict[str, bytes | None], message: str
) -> None:
    files = {name: data for name, data in {**attached(bundle_path), **change}.items() if data is not None}
    with pytest.raises(BundleError, match=message):
        Classifier.load(archive.append(tiny, files))


def resealed(bundle_path: Path, tiny: bytes, change: dict[str, Any]) -> bytes:
    files = attached(bundle_path)
    manifest = {**json.loads(files["manifest.json"]), **change}
    return archive.append(tiny, {**files, "manifest.json": json.dumps(manifest).encode()})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 3}, "upgrade"),
        ({"format": "other"}, "format must be"),
        ({"sequence_length": 16}, "demands"),
        ({"labels": ["a", "b", "c"]}, "labels.txt differs"),
        ({"normalization": {"name": "bert-uncased", "version": 2, "sha256": "0" * 64}}, "normalises text by"),
        ({"notes": {"\ud83d": 1}}, "notes' holds a lone surrogate"),
        ({"task": "\udc00"}, "task' holds a lone surrogate"),
        ({"long_text": "tail"}, "long_text must be one of"),
        ({"long_text": "windows"}, "max_windows goes with long_text: windows"),
        ({"max_windows": 4}, "max_windows goes with long_text: windows"),
        ({"digests": {"tflite": "0" * 64, "vocabulary": "0" * 64, "labels": "0" * 64}}, "is not the one"),
    ],
)
def test_a_manifest_that_contradicts_the_bundle_is_refused(
    bundle_path: Path, tiny: bytes, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(BundleError, match=message):
        Classifier.load(resealed(bundle_path, tiny, change))


def test_what_is_read_of_a_long_text_is_said_where_it_is_not_the_beginning(tmp_path: Path, bundle_path: Path) -> None:
    older = json.loads(attached(bundle_path)["manifest.json"])
    assert "long_text" not in older, "so that a package that knows no choice still reads it"
    assert read_bundle(bundle_path).manifest.long_text == "head"
    told = update_manifest(bundle_path, tmp_path / "b", long_text="windows", max_windows=4)
    assert (told.long_text, told.max_windows) == ("windows", 4)
    again = update_manifest(tmp_path / "b", tmp_path / "b", metrics={"accuracy": 1.0})
    assert (again.long_text, again.max_windows) == ("windows", 4)
    update_manifest(tmp_path / "b", tmp_path / "b", long_text=None, max_windows=None, metrics=None)
    assert (tmp_path / "b").read_bytes() == bundle_path.read_bytes()


def test_a_newer_format_says_what_to_do(bundle_path: Path) -> None:
    content = bundle_path.read_bytes().replace(b"edgeline-bundle/1 ", b"edgeline-bundle/3 ")
    with pytest.raises(BundleError, match="pip install --upgrade"):
        Classifier.load(content)


def test_a_manifest_of_another_model_is_refused(tmp_path: Path, bundle_path: Path, tiny: bytes) -> None:
    """The flatbuffer is altered where LiteRT does not mind, and the seal is renewed: the manifest's digest tells."""
    content = archive.append(tiny + b"\0" * 16, attached(bundle_path))
    with pytest.raises(BundleError, match="tflite is not the one of the manifest"):
        Classifier.load(content)


def test_plain_files_are_refused_with_the_reason(tmp_path: Path, tiny: bytes) -> None:
    cases = {"empty": b"", "text": b"hello world", "model": tiny, "zip": b"PK\5\6" + bytes(18)}
    for name, content in cases.items():
        with pytest.raises(BundleError, match=f"{name}: .*(not a TFLite model|no bundle)"):
            Classifier.load(sealed(tmp_path / name, content))
    with pytest.raises(BundleError, match="cannot be read"):
        Classifier.load(tmp_path / "absent")
    with pytest.raises(BundleError, match="not a regular file"):
        Classifier.load(tmp_path)


def test_an_enormous_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as stream:
        stream.truncate(10 * 2**30)  # sparse: takes no room
    with pytest.raises(BundleError, match="10,737,418,240 bytes"):
        Classifier.load(path)


def test_claims_of_ten_gigabytes_in_headers_allocate_nothing(bundle_path: Path) -> None:
    """Every 4-byte field of the zip's directory claims the most it can, under a right seal."""
    script = """
import hashlib, resource, struct, sys
from edgeline_edge import BundleError, archive
content = open(sys.argv[1], "rb").read()
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
end = content.rindex(b"edgeline-bundle/")
start = content.index(b"PK\\3\\4")
for value in (0xFFFFFFFF, 0x7FFFFFFF, 2**31, 0):
    for position in [*range(start, start + 30), *range(content.index(b"PK\\1\\2"), end - 4)]:
        body = content[:position] + struct.pack("<I", value) + content[position + 4 : end]
        seal = content[end:-64] + hashlib.sha256(body).hexdigest().encode()
        try:
            archive.split(body + seal)
        except BundleError:
            continue
        assert body == content[:end], position
"""
    done = subprocess.run([sys.executable, "-c", script, str(bundle_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
