"""Which version answers a request: the live one, and beside it one on trial, as a canary or as a shadow.

The pair is changed in one step. A request keeps the version that it was given to its end, and a version that nobody
holds any more is closed: a swap loses nothing.
"""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from collections.abc import Callable

from edgeline_serving.backends.base import Backend
from edgeline_serving.settings import Trial


class Loaded:
    """A version in memory, with a count of the requests that hold it.

    Attributes:
        number: of the version.
        backend: what answers.
    """

    def __init__(self, number: str, backend: Backend) -> None:
        """Takes a version that nobody holds yet."""
        self.number = number
        self.backend = backend
        self._held = 0
        self._retired = False
        self._lock = threading.Lock()

    def hold(self) -> None:
        """One request more that needs it."""
        with self._lock:
            self._held += 1

    def release(self) -> None:
        """One fewer; the last one closes a version that is retired."""
        with self._lock:
            self._held -= 1
            close = self._retired and not self._held
        if close:
            self.backend.close()

    def retire(self) -> None:
        """Closes the version as soon as nobody holds it."""
        with self._lock:
            close = not self._retired and not self._held
            self._retired = True
        if close:
            self.backend.close()


@dataclasses.dataclass
class Trying:
    """A version on trial, and what came of it so far.

    Attributes:
        version: the new one.
        settings: of the trial.
        began: when, by the monotonic clock.
        answered: requests that it answered.
        failed: those that it did not answer.
        compared: rows that a shadow answered as well.
        agreed: those with the same label, or the same numbers.
    """

    version: Loaded
    settings: Trial
    began: float
    answered: int = 0
    failed: int = 0
    compared: int = 0
    agreed: int = 0

    def verdict(self, now: float) -> str:
        """`promote`, `reject: …` with the reason, or empty while the trial goes on."""
        if self.failed:
            return f"reject: it failed on a request after {self.answered} answers"
        if now - self.began < self.settings.seconds:
            return ""
        if self.compared:
            share = self.agreed / self.compared
            if share < self.settings.agreement:
                return f"reject: {share:.1%} of {self.compared} rows agree, wanted {self.settings.agreement:.1%}"
        # A trial without a request has shown nothing; the next one that comes counts.
        return "promote" if self.answered or self.compared else ""


@dataclasses.dataclass(frozen=True)
class Route:
    """What a request is given; every version in it is held until `done`.

    Attributes:
        answering: what answers.
        instead: what answers where that fails; only of a canary.
        shadow: what answers as well, to be compared.
    """

    answering: Loaded
    instead: Loaded | None = None
    shadow: Loaded | None = None

    def done(self) -> None:
        """Releases the versions."""
        for version in (self.answering, self.instead, self.shadow):
            if version:
                version.release()


class Deployment:
    """The versions of one model that are in memory. Safe to use from several threads."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        """Begins without any version.

        Args:
            clock: for the length of a trial.
            chance: numbers in 0 … 1, that decide what a canary answers.
        """
        self._clock = clock
        self._chance = chance
        self._live: Loaded | None = None
        self._trying: Trying | None = None
        self._lock = threading.Lock()

    @property
    def live(self) -> Loaded | None:
        """The version that answers."""
        return self._live

    @property
    def trying(self) -> Trying | None:
        """The version on trial."""
        return self._trying

    def route(self) -> Route | None:
        """Decides what answers a request, and holds it; None while there is no version."""
        with self._lock:
            live, trying = self._live, self._trying
            if live is None:
                return None
            live.hold()
            if trying is None:
                return Route(live)
            if trying.settings.canary > 0 and self._chance() < trying.settings.canary:
                trying.version.hold()
                return Route(trying.version, instead=live)
            if trying.settings.shadow:
                trying.version.hold()
                return Route(live, shadow=trying.version)
            return Route(live)

    def swap(self, version: Loaded) -> None:
        """Makes a version the live one; a trial that goes on is given up."""
        with self._lock:
            before, trying = self._live, self._trying
            self._live, self._trying = version, None
        for old in (before, trying.version if trying else None):
            if old and old is not version:
                old.retire()

    def put_to_trial(self, version: Loaded, settings: Trial) -> None:
        """Lets a version prove itself beside the live one; a trial that goes on is given up."""
        with self._lock:
            before, self._trying = self._trying, Trying(version, settings, self._clock())
        if before:
            before.version.retire()

    def tried(self, version: Loaded, *, ok: bool, compared: int = 0, agreed: int = 0) -> None:
        """Notes what came of a request that a version on trial answered."""
        with self._lock:
            trying = self._trying
            if trying and trying.version is version:
                trying.answered += ok
                trying.failed += not ok
                trying.compared += compared
                trying.agreed += agreed

    def judge(self) -> tuple[Loaded, str] | None:
        """Ends a trial whose verdict is there.

        Returns:
            The version that was on trial, and why it was rejected, which is empty if it is live now; else None.
        """
        with self._lock:
            trying = self._trying
            verdict = trying.verdict(self._clock()) if trying else ""
        if trying is None or not verdict:
            return None
        if verdict == "promote":
            self.swap(trying.version)
            return trying.version, ""
        with self._lock:
            if self._trying is trying:
                self._trying = None
        trying.version.retire()
        return trying.version, verdict.removeprefix("reject: ")

    def close(self) -> None:
        """Retires all versions."""
        with self._lock:
            live, trying = self._live, self._trying
            self._live = self._trying = None
        for version in (live, trying.version if trying else None):
            if version:
                version.retire()
