"""The zip behind the flatbuffer: written and read byte by byte, so that there is exactly one form of it.

A bundle is `<flatbuffer><zip>`. Any zip tool lists and unpacks it. The entries are stored, not compressed (the form
that readers of TFLite metadata expect), without dates, and the archive's comment carries a SHA-256 over everything
before it, so that one pass over the file proves it whole. A general zip library would accept a thousand other
forms; here, a file that is not what the writer would have written is refused.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Mapping

from edgeline_edge.errors import BundleError
from edgeline_edge.manifest import FORMAT, FORMAT_VERSION, newer_format

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_COMMENT = re.compile(rb"edgeline-bundle/([0-9]{1,9}) sha256:([0-9a-f]{64})")
_LONGEST_COMMENT = 128
_VERSION, _DATE = 10, 0x21  # stored entries need zip 1.0; 1 January 1980, the earliest date there is
_MOST_ENTRIES = 16
MAX_BYTES = 2**31 - 1  # what a flatbuffer can hold


def append(flatbuffer: bytes, files: Mapping[str, bytes], version: int = 1) -> bytes:
    """Makes a bundle.

    Args:
        flatbuffer: the model.
        files: content by name, in the order in which they are to stand.
        version: of the format.

    Returns:
        The whole file.

    Raises:
        BundleError: the result would be too large.
    """
    content = flatbuffer + _tail(files, len(flatbuffer))
    if len(content) + _LONGEST_COMMENT > MAX_BYTES:
        raise BundleError(f"the bundle would have {len(content):,} bytes; a flatbuffer holds at most {MAX_BYTES:,}")
    comment = f"{FORMAT}/{version} sha256:".encode()
    content += struct.pack("<H", len(comment) + 64)
    return b"".join([content, comment, hashlib.sha256(content).hexdigest().encode()])


def version_of(content: bytes) -> int:
    """The format version that a bundle's seal tells.

    Args:
        content: the whole file.

    Raises:
        BundleError: it does not end with a seal.
    """
    return int(_seal(content)[1])


def split(content: bytes) -> tuple[int, dict[str, bytes]]:
    """Takes a bundle apart, trusting nothing in it.

    Args:
        content: the whole file.

    Returns:
        Where the flatbuffer ends, and the content of each file by name.

    Raises:
        BundleError: the file is not a bundle, of a newer format, truncated, or altered.
    """
    if content[4:8] != b"TFL3":
        raise BundleError("not a TFLite model (the flatbuffer's mark TFL3 is missing)")
    comment = _seal(content)
    version = int(comment[1])
    if not 1 <= version <= FORMAT_VERSION:
        raise BundleError(newer_format(version) if version > FORMAT_VERSION else f"no format version {version} exists")
    sealed = memoryview(content)[: comment.start()]
    if hashlib.sha256(sealed).hexdigest().encode() != comment[2]:
        raise BundleError("the bundle was altered or damaged: its SHA-256 is not the one it ends with")
    return _read(content, comment.start())


def _seal(content: bytes) -> re.Match[bytes]:
    comment = _COMMENT.search(content, max(0, len(content) - _LONGEST_COMMENT))
    if not comment or comment.end() != len(content):
        raise BundleError("a TFLite model, but no bundle, or cut off: it does not end with the bundle's seal")
    return comment


def _read(content: bytes, comment_start: int) -> tuple[int, dict[str, bytes]]:
    """Follows the central directory of a file whose digest is right, which its maker may still have made to harm."""
    end_start = comment_start - _END.size
    try:
        mark, *_, count, size, start, _ = _END.unpack_from(content, end_start)
        if mark != b"PK\5\6" or start + size != end_start or not 0 < count <= _MOST_ENTRIES:
            raise BundleError("the bundle's zip directory is not where it must be")
        first, position, total = start, start, 0
        files: dict[str, bytes] = {}
        for _ in range(count):
            fields = _CENTRAL.unpack_from(content, position)
            length, name_length, offset = fields[8], fields[10], fields[16]
            name_start = position + _CENTRAL.size
            name = content[name_start : name_start + name_length].decode("ascii")
            data_start = offset + _LOCAL.size + name_length
            total += length
            if fields[0] != b"PK\1\2" or name in files or data_start + length > start or total > start:
                raise BundleError(f"the bundle's zip entry {name!r} is not valid")
            files[name] = content[data_start : data_start + length]
            first, position = min(first, offset), name_start + name_length
    except (struct.error, UnicodeDecodeError) as error:
        raise BundleError(f"the bundle's zip directory cannot be read: {error}") from error
    # Overlapping entries, wrong checksums, hidden bytes, flags, dates: whatever the writer would not have written.
    if content[first : comment_start - 2] != _tail(files, first):
        raise BundleError("the bundle's zip is not in the one form that bundles have")
    return first, files


def _tail(files: Mapping[str, bytes], offset: int) -> bytes:
    """The zip up to, and without, the length of its comment."""
    body, directory = bytearray(), bytearray()
    for name, data in files.items():
        encoded, crc = name.encode("ascii"), zlib.crc32(data)
        common = (_VERSION, 0, 0, 0, _DATE, crc, len(data), len(data), len(encoded))
        place = offset + len(body)
        directory += _CENTRAL.pack(b"PK\1\2", _VERSION, *common, 0, 0, 0, 0, 0, place) + encoded
        body += _LOCAL.pack(b"PK\3\4", *common, 0) + encoded + data
    end = _END.pack(b"PK\5\6", 0, 0, len(files), len(files), len(directory), offset + len(body), 0)
    return bytes(body + directory) + end[:-2]
