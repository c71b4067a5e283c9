"""Mutated bundles: whatever is done to the bytes, loading ends in an answer or a `BundleError`."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeline_edge import BundleError, Classifier, archive, parse_bundle
from edgeline_edge.manifest import Manifest

FUZZ = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@st.composite
def mutations(draw: st.DrawFn) -> list[tuple[str, float, bytes]]:
    """Edits: what to do, where (as a fraction of the file), and with which bytes."""
    edit = st.tuples(
        st.sampled_from(["write", "insert", "delete", "repeat", "cut"]),
        st.floats(0, 1),
        st.binary(min_size=1, max_size=8),
    )
    return draw(st.lists(edit, min_size=1, max_size=4))


def mutate(content: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    for kind, fraction, data in edits:
        at = int(fraction * len(content))
        if kind == "write":
            content = content[:at] + data + content[at + len(data) :]
        elif kind == "insert":
            content = content[:at] + data + content[at:]
        elif kind == "delete":
            content = content[:at] + content[at + len(data) :]
        elif kind == "repeat":
            content = content[:at] + content[at : at + 200 * len(data)] + content[at:]
        else:
            content = content[:at]
    return content


@given(edits=mutations())
@FUZZ
def test_a_mutated_bundle_is_refused(bundle_path: Path, edits: list[tuple[str, float, bytes]]) -> None:
    original = bundle_path.read_bytes()
    mutant = mutate(original, edits)
    if mutant != original:
        with pytest.raises(BundleError):
            Classifier.load(mutant)


@given(edits=mutations())
@FUZZ
def test_a_mutated_zip_under_a_right_seal_is_refused(bundle_path: Path, edits: list[tuple[str, float, bytes]]) -> None:
    import hashlib

    original = bundle_path.read_bytes()
    model, end = archive.split(original)[0], original.rindex(b"edgeline-bundle/")
    body = original[:model] + mutate(original[model:end], edits)
    if body != original[:end]:
        seal = original[end:-64] + hashlib.sha256(body).hexdigest().encode()
        with pytest.raises(BundleError):
            parse_bundle(body + seal)


@given(content=st.binary(max_size=400))
@FUZZ
def test_arbitrary_bytes_are_refused(content: bytes) -> None:
    for candidate in (content, b"\0\0\0\0TFL3" + content):
        with pytest.raises(BundleError):
            Classifier.load(candidate)


@given(field=st.text(max_size=20) | st.sampled_from(["labels", "signature", "digests", "normalization"]), value=JSON)
@FUZZ
def test_arbitrary_manifests_are_refused_or_valid(bundle_path: Path, field: str, value: Any) -> None:
    manifest = json.loads(archive.split(bundle_path.read_bytes())[1]["manifest.json"])
    try:
        read = Manifest.from_dict({**manifest, field: value})
    except BundleError:
        return
    assert Manifest.from_json(read.to_json()) == read


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs each mutant in a fork, which Windows lacks")
def test_a_mutated_model_under_right_digests_does_not_crash_the_process(bundle_path: Path) -> None:
    """An adversary can renew all digests, so this is LiteRT's own verifier under test, in a process of its own each."""
    import hashlib

    bundle = parse_bundle(bundle_path.read_bytes())
    files = archive.split(bundle.content)[1]
    generator = random.Random(4)
    endings: dict[int, int] = {}
    for _ in range(60):
        model = bytearray(bundle.content[: bundle.model_bytes])
        for _ in range(generator.choice([1, 1, 4])):
            model[generator.randrange(8, len(model))] = generator.randrange(256)
        manifest = bundle.manifest.to_dict()
        manifest["digests"] = {**manifest["digests"], "tflite": hashlib.sha256(model).hexdigest()}
        mutant = archive.append(bytes(model), {**files, "manifest.json": json.dumps(manifest).encode()})
        child = os.fork()
        if child == 0:
            ending = 9
            try:
                Classifier.load(mutant).predict(["good film"])
                ending = 0
            except BundleError:
                ending = 1
            finally:
                sys.stderr.flush()
                os._exit(ending)
        status = os.waitpid(child, 0)[1]
        endings[os.waitstatus_to_exitcode(status)] = endings.get(os.waitstatus_to_exitcode(status), 0) + 1
    assert endings.keys() <= {0, 1}, f"exit codes and how often: {endings}"
    assert endings.get(1, 0) > 5
