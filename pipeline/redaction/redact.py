"""One redaction for whatever is shown, logged or stored: known secrets by value, others by the place they stand in.

A secret that this process read (`references.value`) is known, and hidden in every spelling that a URL, a header, JSON
or an error may give it. Others, such as one that somebody wrote into a configuration, are known by their place only: a
URL's user information, `password=`, an `Authorization` header. Too much is hidden rather than too little.
"""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4  # a shorter secret would take parts of ordinary words with it
_NAME = (
    r"(?:[\w-]*(?:password|passwd|passphrase|pwd|secret|token|api[-_]?key|apikey|access[-_]?key|private[-_]?key"
    r"|credential|signature)|sig|auth)"
)
_NO_REFERENCE = r"(?!\$\{)"  # `${NAME}` names a secret and is none
_SCHEME = r"(?:(?:Bearer|Basic|Token|Digest|ApiKey)\s+)"
_PLACES = tuple(
    (re.compile(pattern, re.IGNORECASE), shown)
    for pattern, shown in (
        # A password may hold an unquoted `@` or `/`: all up to the last `@` of the word.
        (rf"(?P<before>[a-z][\w+.-]*://[^\s/@:]*:){_NO_REFERENCE}\S*@", rf"\g<before>{MASK}@"),
        (rf"(?P<before>https?://){_NO_REFERENCE}[^\s/@:?#]+@", rf"\g<before>{MASK}@"),
        (
            rf"(?P<before>(?<![\w-]){_NAME}(?:=|%3D)){_NO_REFERENCE}(?:'[^']*'|\"[^\"]*\"|[^\s&;,'\"]+)",
            rf"\g<before>{MASK}",
        ),
        (
            rf"(?P<before>(?P<name>[\"']){_NAME}(?P=name)\s*[:=]\s*(?P<value>[\"'])){_NO_REFERENCE}.*?(?P=value)",
            rf"\g<before>{MASK}\g<value>",
        ),
        (
            r"(?P<before>(?<![\w-])(?:proxy-)?(?:authorization|(?:set-)?cookie|x-[\w-]*(?:key|token|secret)[\w-]*)"
            rf"[\"']?\s*[:=]\s*[\"']?{_SCHEME}?){_NO_REFERENCE}(?!{_SCHEME}?\$\{{)[^\s'\",}}]+",
            rf"\g<before>{MASK}",
        ),
        (rf"(?P<before>(?<!\w){_SCHEME}){_NO_REFERENCE}(?=\S*\d)[\w.~+/=-]{{8,}}", rf"\g<before>{MASK}"),
    )
)
_spellings: set[str] = set()
_known: re.Pattern[str] | None = None


def remember(secret: str) -> None:
    """Hides a secret from now on, in every spelling.

    Args:
        secret: as it was read. One of fewer than four characters is known by its place only.
    """
    global _known
    parts = [secret, *secret.splitlines()] if "\n" in secret else [secret]
    for part in filter(lambda part: len(part.strip()) >= SHORTEST, parts):
        _spellings.update(_spelled(part), _spelled(part.strip()))
    longest_first = sorted(_spellings, key=len, reverse=True)
    _known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def redact(text: str) -> str:
    """A text without secrets.

    Args:
        text: a message, a line of a log, what a server answered.

    Returns:
        The text with `***` in place of each.
    """
    if _known is not None:
        text = _known.sub(MASK, text)
    for place, shown in _PLACES:
        text = place.sub(shown, text)
    return text


def secret_name(name: str) -> bool:
    """Whether a value of this name, of a query parameter or a header, is a secret."""
    return (
        re.fullmatch(rf"{_NAME}|(?:proxy-)?authorization|(?:set-)?cookie|[\w-]*-key", name, re.IGNORECASE) is not None
    )


def _spelled(secret: str) -> set[str]:
    """The secret itself; in a URL, in JSON, in an error's `repr`, and in HTTP's basic authentication."""
    quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    return {
        secret,
        *quoted,
        *map(str.lower, quoted - {secret}),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(secret.encode("utf-8", "surrogateescape")).decode(),
    }
