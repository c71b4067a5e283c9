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

PROMOTE, REJECT = "promote", "reject: "  # a verdict; behind the second stands the reason


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
class Counts:
    """What came of a version on trial.

    Attributes:
        began: when the trial did, by the monotonic clock.
        answered: requests that it answered.
        failed: those that it did not answer.
        compared: rows that a shadow answered as well.
        agreed: those with the same label, or the same numbers.
    """

    began: float
    answered: int = 0
    failed: int = 0
    compared: int = 0
    agreed: int = 0

    def verdict(self, settings: Trial, now: float) -> str:
        """`promote`, `reject: …` with the reason, or empty while the trial goes on."""
        if self.failed:
            return f"{REJECT}it failed on a request after {self.answered} answers"
        if now - self.began < settings.seconds:
            return ""
        if self.compared:
            share = self.agreed / self.compared
            if share < settings.agreement:
                return f"{REJECT}{share:.1%} of {self.compared} rows agree, wanted {settings.agreement:.1%}"
        # A trial without a request has shown nothing; the next one that comes counts.
        return PROMOTE if self.answered or self.compared else ""


@dataclasses.dataclass(frozen=True)
class Trying:
    """A version on trial.

    Attributes:
        version: the new one.
        settings: of the trial.
        counts: what came of it so far.
    """

    version: Loaded
    settings: Trial
    counts: Counts


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
            before, self._trying = self._trying, Trying(version, settings, Counts(self._clock()))
        if before:
            before.version.retire()

    def tried(self, version: Loaded, *, ok: bool, compared: int = 0, agreed: int = 0) -> None:
        """Notes what came of a request that a version on trial answered."""
        with self._lock:
            trying = self._trying
            if trying and trying.version is version:
                trying.counts.answered += ok
                trying.counts.failed += not ok
                trying.counts.compared += compared
                trying.counts.agreed += agreed

    def judge(self, verdict_on: Callable[[Trying, float], str] | None = None) -> tuple[Loaded, str] | None:
        """Ends a trial whose verdict is there.

        Args:
            verdict_on: gives it, see `Counts.verdict`; by default what this deployment saw decides.

        Returns:
            The version that was on trial, and why it was rejected, which is empty if it is live now; else None.
        """
        with self._lock:
            trying = self._trying
        if trying is None:
            return None
        now = self._clock()
        verdict = verdict_on(trying, now) if verdict_on else trying.counts.verdict(trying.settings, now)
        if not verdict:
            return None
        if verdict == PROMOTE:
            self.swap(trying.version)
            return trying.version, ""
        with self._lock:
            if self._trying is trying:
                self._trying = None
        trying.version.retire()
        return trying.version, verdict.removeprefix(REJECT)

    def close(self) -> None:
        """Retires all versions."""
        with self._lock:
            live, trying = self._live, self._trying
            self._live = self._trying = None
        for version in (live, trying.version if trying else None):
            if version:
                version.retire()
