"""A version that lies in a bucket: copied here once, before it is served; by TensorFlow, which reads buckets itself."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from edgeline_serving.backends.saved_model import load_tensorflow
from edgeline_serving.errors import SettingsError

_URI = re.compile(r"[a-z][a-z0-9+.-]*://.+")


def is_uri(place: str) -> bool:
    """Whether a place is an address such as `gs://bucket/pushed/7`, and no folder of this machine."""
    return _URI.fullmatch(place) is not None


def copied(uri: str, into: Path) -> Path:
    """Copies one version.

    Args:
        uri: its folder, such as `gs://bucket/pushed/server/1795661818`.
        into: an empty folder.

    Returns:
        The version's folder, named as in the bucket.

    Raises:
        SettingsError: it cannot be read, or is empty; the message names the address.
        VersionError: TensorFlow is not installed.
    """
    tensorflow = load_tensorflow()
    files, start = tensorflow.io.gfile, uri.rstrip("/")
    target = into / PurePosixPath(start).name
    count = 0
    try:
        for folder, _, names in files.walk(start):
            below = target / folder[len(start) :].strip("/")
            below.mkdir(parents=True, exist_ok=True)
            for name in names:
                files.copy(f"{folder.rstrip('/')}/{name}", str(below / name))
                count += 1
    except (tensorflow.errors.OpError, OSError) as error:
        raise SettingsError(f"{uri}: cannot be read: {getattr(error, 'message', error)}") from error
    if not count:
        raise SettingsError(f"{uri}: there is no such folder, or nothing in it")
    return target
