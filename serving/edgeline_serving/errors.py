"""What goes wrong: with a request, with a version, with the settings."""

from __future__ import annotations


class RequestError(Exception):
    """A request that is answered with an error; its message names places, never what the client wrote there.

    Attributes:
        code: the HTTP status.
    """

    def __init__(self, code: int, message: str) -> None:
        """Takes the HTTP status and what to tell the client."""
        super().__init__(message)
        self.code = code


class LateError(RequestError):
    """A request whose work took longer than a request may take."""


class VersionError(Exception):
    """A pushed version that is not served: it cannot be loaded, or answers otherwise than when it was pushed."""


class ProbeError(VersionError):
    """A version that answers its own probes otherwise than when it was pushed; loading it again changes nothing."""


class SettingsError(ValueError):
    """What the command line asks for cannot be done; the message names the option and the fix."""
