"""The pure-Python `farmhash` gives FarmHash's own values, and nothing that is installed had to be compiled here."""

import json
import tomllib
from importlib import metadata
from pathlib import Path

import farmhash
import pytest

from pipeline.machine import stack

# Sources alone on the package index, but of Python only: an installer builds them without a compiler.
PURE_SOURCES = {"google-apitools", "kfp-server-api", "rouge-score"}


def test_both_fingerprints_are_those_of_the_library_in_cpp(repository: Path):
    vectors = json.loads((repository / "tests" / "data" / "farmhash_vectors.json").read_text())
    assert len(vectors) > 200
    assert [[text, farmhash.fingerprint64(text), farmhash.fingerprint32(text)] for text, _, _ in vectors] == vectors


def test_a_text_and_its_utf8_bytes_are_the_same():
    assert farmhash.fingerprint64("Grüße") == farmhash.fingerprint64("Grüße".encode())
    assert farmhash.fingerprint32("Grüße") == farmhash.fingerprint32(bytearray("Grüße".encode()))


def test_what_it_does_not_have_is_said():
    with pytest.raises(AttributeError, match=r"hash64withseed.*fingerprint32, fingerprint64 only"):
        farmhash.hash64withseed("x", 1)
    with pytest.raises(TypeError, match="not of int"):
        farmhash.fingerprint64(1)


@pytest.mark.slow
def test_the_64_bits_are_those_that_tensorflow_computes():
    import modules  # noqa: F401

    import tensorflow as tf

    texts = [bytes(range(256))[:length] * times for length in (0, 3, 7, 16, 31, 64, 100, 255) for times in (1, 2, 3)]
    theirs = tf.fingerprint(tf.constant(texts)).numpy()
    assert [farmhash.fingerprint64(text).to_bytes(8, "little") for text in texts] == [bytes(row) for row in theirs]


def test_no_locked_package_needs_a_compiler_or_headers(repository: Path):
    packages = tomllib.loads((repository / "uv.lock").read_text())["package"]
    _, required = stack.read_lock(repository / "uv.lock")
    from_index = [package for package in packages if "registry" in package["source"] and package["name"] in required]
    assert len(from_index) > 200
    source_only = {package["name"] for package in from_index if not any(map(_fits, package.get("wheels", [])))}
    assert source_only == PURE_SOURCES
    compiled = {".so", ".c", ".cc", ".cpp", ".pyx"}
    assert [file for name in PURE_SOURCES for file in metadata.files(name) or () if file.suffix in compiled] == []


def _fits(wheel: dict[str, str]) -> bool:
    """Whether a wheel can be installed on Linux x86_64 under Python 3.11."""
    *_, python, abi, platforms = wheel["url"].rpartition("/")[2].removesuffix(".whl").split("-")
    if abi != "abi3" and not {"py3", "cp311"} & set(python.split(".")):
        return False
    names = platforms.split(".")
    return "any" in names or any(name.startswith("manylinux") and name.endswith("x86_64") for name in names)
