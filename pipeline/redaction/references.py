"""References to secrets in a configuration: `${NAME}` of the environment, `${file:/run/secrets/token}`.

What stands behind one is read in one place, remembered for the redaction, and quoted as the part of a URL that it goes
into wants it: the password `p@ss/word` stays one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from pipeline.redaction.redact import SHORTEST, redact, remember, secret_name

FILE = "file:"
_WEB = ("http", "https")
REFERENCE = re.compile(r"\$\{(file:[^}]+|[A-Za-z_][A-Za-z0-9_]*)\}")
_PART = r"(?:\$\{{[^}}]*\}}|[^{ends}])*"  # up to one of these characters; a reference may hold any
_URL = re.compile(
    rf"^(?P<scheme>[\w+.-]+://)(?:(?P<user>{_PART.format(ends='@/?#')})@)?(?P<host>{_PART.format(ends='/?#')})"
    rf"(?P<path>{_PART.format(ends='?#')})(?P<rest>.*)$",
    re.DOTALL,
)


class SecretError(ValueError):
    """A secret that is not there."""


def value(name: str) -> str:
    """Reads a secret, and remembers it for the redaction.

    Args:
        name: of an environment variable, or `file:PATH`.

    Raises:
        SecretError: there is none.
    """
    if name.startswith(FILE):
        try:
            found = Path(name.removeprefix(FILE)).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SecretError(f"{name.removeprefix(FILE)} cannot be read ({error.strerror})") from None
        except ValueError:
            raise SecretError(f"{name.removeprefix(FILE)} cannot be read (not UTF-8)") from None
    elif name in os.environ:
        found = os.environ[name]
    else:
        raise SecretError(f"the environment variable {name} is not set")
    remember(found)
    return found


def names(*texts: str) -> list[str]:
    """The references in texts, each once."""
    return sorted({found for text in texts for found in REFERENCE.findall(text)})


def fill(text: str, read: Callable[[str], str] = value) -> str:
    """A text with what its references stand for.

    Args:
        text: such as a header's value.
        read: what stands behind a name.
    """
    return REFERENCE.sub(lambda found: read(found[1]), text)


def fill_url(url: str, read: Callable[[str], str] = value, *, quoted_path: bool = False) -> str:
    """A URL with what its references stand for, each quoted as its part of the URL wants it.

    Args:
        url: whole, or nothing but one reference, which then is a URL as it is.
        read: what stands behind a name.
        quoted_path: whether the path is quoted, too: it is of a web address, and is not of a database.
    """

    def quoted(part: str) -> str:
        return fill(part, lambda name: quote(read(name), safe=""))

    parts = _URL.match(url)
    if parts is None:  # `${URL}`
        return fill(url, read)
    user = f"{quoted(parts['user'])}@" if parts["user"] is not None else ""
    path = quoted(parts["path"]) if quoted_path else fill(parts["path"], read)
    return f"{parts['scheme']}{user}{fill(parts['host'], read)}{path}{quoted(parts['rest'])}"


def hide(text: str, secrets: Mapping[str, str]) -> str:
    """A text with references in place of secrets: what `fill_url` and `fill` make one of again.

    Args:
        text: such as a link that a server gave.
        secrets: what stands behind each name.
    """
    for name, secret in secrets.items():
        if len(secret) >= SHORTEST:
            for spelling in sorted({secret, quote(secret, safe=""), quote_plus(secret)}, key=len, reverse=True):
                text = text.replace(spelling, f"${{{name}}}")
    return text


def remember_url(url: str) -> None:
    """Remembers the secrets inside a URL that was read from somewhere: its password, and parameters such as `token`."""
    _, _, rest = url.partition("://")
    for user in {rest.partition("@")[0], rest.rpartition("@")[0]} if "@" in rest else ():
        name, colon, password = user.partition(":")
        if colon:
            for secret in (password, unquote(password), f"{unquote(name)}:{unquote(password)}"):
                remember(secret)
    for name, secret in _parameters(url):
        if secret_name(name):
            remember(secret)


def written_secret(url: str) -> str:
    """Says where a URL holds a secret in place of a reference to one; empty if nowhere.

    Args:
        url: as it stands in a configuration.
    """
    bare = REFERENCE.sub("", url)
    scheme, _, rest = bare.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user = (authority if scheme in _WEB else rest).rpartition("@")[0]
    port = authority.partition(":")[2]
    if scheme in _WEB and (user.strip(":") or ("@" in rest and not re.fullmatch(r"\d*", port))):
        return "a user's name or password"
    if scheme not in _WEB and not rest.startswith("/") and user.partition(":")[2]:
        return "a password"
    return next((f"the parameter {name}" for name, value in _parameters(bare) if value and secret_name(name)), "")


def shown_url(url: str) -> str:
    """A URL for messages: neither its user information nor its parameters."""
    parts = _URL.match(url)
    return redact(f"{parts['scheme']}{parts['host']}{parts['path']}" if parts else url)


def _parameters(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        return []
