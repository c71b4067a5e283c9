"""Keeps a screen that cannot show every character from ending a command: what it lacks is written in letters it has."""

from __future__ import annotations

import codecs
import sys

STAND_INS = "edgeline-stand-ins"  # name of the error handler, for `open(..., errors=STAND_INS)`
# What this project prints itself. Characters of the rows become \u escapes, from which they can be told.
_PLAIN = {
    "✓": "+", "✗": "x", "▸": ">", "·": "-", "…": "...", "×": "x", "–": "-", "—": "-", "−": "-", "±": "+-", "→": "->",
    "≥": ">=", "≤": "<=", "“": '"', "”": '"', "’": "'",
}  # fmt: skip


def fit() -> None:
    """Lets standard output and error print anything, whatever the locale; what it can show stays as it is.

    What is no text stream of Python's own (a test's, an embedding program's) is left alone.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=STAND_INS)


def encoding() -> str:
    """The encoding of the screen; UTF-8 where nothing is known of it."""
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    written = "".join(
        _PLAIN.get(character) or character.encode("ascii", "backslashreplace").decode("ascii") for character in missing
    )
    return written, error.end


codecs.register_error(STAND_INS, _stand_in)
