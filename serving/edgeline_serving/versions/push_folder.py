"""What a push folder holds: a folder for each version, named by a number, and `latest`, which names one of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from edgeline_serving.backends.base import Backend
from edgeline_serving.errors import VersionError
from edgeline_serving.settings import SERVER, Settings, Source

LATEST = "latest"
RECORD = Path("assets.extra") / "edgeline.json"
MODEL_FILE, BUNDLE_FILE = "saved_model.pb", "model.tflite"
_LONGEST_POINTER = 64  # bytes; more is no version
ALONE = "1"  # the number of a version that stands in no push folder


class PushFolder:
    """The versions of one model. Nothing is kept: each call looks at what is there now."""

    def __init__(self, source: Source) -> None:
        """Remembers where to look.

        Args:
            source: push folder, version folder or bundle.
        """
        self.source = source
        self._file = MODEL_FILE if source.kind == SERVER else BUNDLE_FILE

    @property
    def is_one_version(self) -> bool:
        """Whether the folder is a version itself, and not a push folder."""
        return self.source.folder.is_file() or (self.source.folder / self._file).is_file()

    def versions(self) -> list[str]:
        """The versions that are there, oldest first. What is half-pushed has another name until it is whole.

        Raises:
            VersionError: the folder cannot be read.
        """
        if self.is_one_version:
            return [self._own_number()]
        try:
            return sorted((path.name for path in self.source.folder.iterdir() if _is_version(path)), key=int)
        except OSError as error:
            raise VersionError(f"{self.source.folder}: cannot be read: {error.strerror}") from error

    def wanted(self) -> str | None:
        """The version to serve: the pinned one, else the one that `latest` names, else the newest; None without any.

        Raises:
            VersionError: the folder cannot be read, or the pinned version is not there.
        """
        there = self.versions()
        pinned = self.source.pinned
        if pinned is not None:
            if pinned not in there:
                raise VersionError(
                    f"{self.source.folder}: version {pinned} is not there; there are: {', '.join(there) or 'none'}"
                )
            return pinned
        named = self._named()
        return named if named in there else (there[-1] if there else None)

    def path(self, version: str) -> Path:
        """The folder of a version, or the file where the source is one."""
        return self.source.folder if self.is_one_version else self.source.folder / version

    def load(self, version: str, settings: Settings) -> Backend:
        """Loads a version.

        Args:
            version: one of `versions`.
            settings: how it is to be run.

        Raises:
            VersionError: it cannot be loaded.
        """
        place = self.path(version)
        if self.source.kind == SERVER:
            from edgeline_serving.backends.saved_model import SavedModelBackend

            return SavedModelBackend(place, batch=settings.batch)
        from edgeline_serving.backends.bundle import BundleBackend

        return BundleBackend(
            place if place.is_file() else place / BUNDLE_FILE,
            threads=settings.threads,
            long_text=settings.long_text,
            max_windows=settings.limits.windows,
        )

    def _own_number(self) -> str:
        folder = self.source.folder.absolute()
        folder = folder.parent if folder.is_file() else folder
        # KServe copies a version to a folder of its own choice; the version says which one it is.
        for name in (folder.name, _recorded(folder)):
            if _NUMBER.fullmatch(name):
                return name
        return ALONE

    def _named(self) -> str | None:
        try:
            with (self.source.folder / LATEST).open("rb") as stream:
                return stream.read(_LONGEST_POINTER).decode("utf-8", "replace").strip()
        except OSError:
            return None  # a folder that another tool fills has none: the newest version is meant


def _recorded(folder: Path) -> str:
    """The number in the record that Pusher leaves in a version; empty where there is none."""
    try:
        return str(json.loads((folder / RECORD).read_text("utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # a model that came here otherwise: it needs no number


_NUMBER = re.compile(r"[0-9]{1,18}")


def _is_version(path: Path) -> bool:
    return _NUMBER.fullmatch(path.name) is not None and path.is_dir()
