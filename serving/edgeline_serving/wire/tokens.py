"""Who is let in: a bearer token, compared in the same time whether it is nearly right or not at all."""

from __future__ import annotations

import hashlib
import hmac
import time
from pathlib import Path

from edgeline_serving.errors import SettingsError

_SHORTEST = 16  # characters
_SECONDS_BETWEEN_LOOKS = 1.0


class Tokens:
    """The tokens of a file, one a line; lines that begin with `#` are comments. A change of the file is taken up."""

    def __init__(self, path: Path) -> None:
        """Reads the file.

        Args:
            path: the file.

        Raises:
            SettingsError: it cannot be read, holds no token, or one that is easily guessed.
        """
        self._path = path
        self._looked = time.monotonic()
        self._digests = self._read()

    def admits(self, authorization: str | None) -> bool:
        """Whether a request may pass.

        Args:
            authorization: its header.
        """
        self._renew()
        scheme, _, token = (authorization or "").partition(" ")
        # Digests are of one length, and each is compared: the time tells neither how much is right nor which one.
        digest = _digest(token.strip())
        right = False
        for known in self._digests:
            right |= hmac.compare_digest(known, digest)
        return right and scheme.lower() == "bearer"

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._looked < _SECONDS_BETWEEN_LOOKS:
            return
        self._looked = now
        try:
            self._digests = self._read()
        except SettingsError:
            return  # a file that is being replaced: the tokens before it stay until it is whole

    def _read(self) -> list[bytes]:
        try:
            lines = [line.strip() for line in self._path.read_text("utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"--tokens {self._path}: cannot be read: {error}") from error
        tokens = [line for line in lines if line and not line.startswith("#")]
        if not tokens:
            raise SettingsError(f"--tokens {self._path}: there is no token; write one a line")
        short = [str(number) for number, line in enumerate(lines, 1) if line in tokens and len(line) < _SHORTEST]
        if short:
            raise SettingsError(
                f"--tokens {self._path}:{short[0]}: a token has at least {_SHORTEST} characters; "
                "`python -c 'import secrets; print(secrets.token_urlsafe())'` makes one"
            )
        return [_digest(token) for token in tokens]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
