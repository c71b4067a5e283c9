"""Follows the push folders: a new version is loaded, probed, tried where that is wanted, and takes over.

Loading happens in a thread of its own, while the version before goes on answering. What cannot be loaded or answers its
probes otherwise is told once and left alone; what answered before still does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from edgeline_serving import metrics
from edgeline_serving.errors import ProbeError, VersionError
from edgeline_serving.settings import Settings
from edgeline_serving.versions import probes
from edgeline_serving.versions.board import Board
from edgeline_serving.versions.deployment import REJECT, Deployment, Loaded
from edgeline_serving.versions.push_folder import PushFolder

logger = logging.getLogger("edgeline_serving")
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 300.0


class Follower:
    """Keeps one model at the version that its push folder asks for.

    Attributes:
        folder: the push folder.
        deployment: what answers.
        name: of the model, once a version was loaded.
    """

    def __init__(
        self, folder: PushFolder, settings: Settings, deployment: Deployment | None = None,
        clock: Callable[[], float] = time.monotonic, board: Board | None = None,
    ) -> None:  # fmt: skip
        """Prepares; `start` then loads the first version.

        Args:
            folder: the push folder.
            settings: how versions are loaded, probed and tried.
            deployment: where they go.
            clock: for the waits between two attempts.
            board: what this worker and the others agree on about trials; None where it is the only one.
        """
        self.folder = folder
        self.deployment = deployment or Deployment()
        self.name = folder.source.name or ""  # settled by the first version, see `start`
        self._settings = settings
        self._clock = clock
        self._board = board if settings.trial.wanted else None
        # By version, when it may be tried again, and how long the wait after that is.
        self._refused: dict[str, tuple[float, float]] = {}
        self._told = ""

    def start(self) -> None:
        """Loads the version that is wanted; where that fails, the newest older one that does not.

        Raises:
            VersionError: none of them can be served.
        """
        wanted = self.folder.wanted()
        if wanted is None:
            raise VersionError(f"{self.folder.source.folder}: nothing was pushed there yet")
        there = [] if self.folder.source.pinned else self.folder.versions()
        # A worker that comes back begins where the others are: what they try is no further than that.
        agreed = self._board.live() if self._board else None
        first = agreed if agreed in there else wanted
        # What is newer than `latest` was rolled back.
        for version in [first, *(number for number in reversed(there) if int(number) < int(first))]:
            loaded = self._loaded(version)
            if loaded:
                self.name = self.name or loaded.backend.task or self.folder.source.folder.absolute().name
                self._take_over(loaded)
                return
        raise VersionError(f"{self.folder.source.folder}: none of its versions can be served; see above")

    def rename(self, name: str) -> None:
        """Calls the model otherwise, before it is served."""
        metrics.show_versions(self.name, None, None)
        self.name = name
        self._count()

    def tick(self) -> None:
        """Looks once: ends a trial, and brings the version that the folder asks for. Never raises."""
        try:
            self._end_trial()
            self._bring(self.folder.wanted())
            self._told = ""
        except VersionError as error:
            self._tell(str(error))
        except Exception:
            # A fault of the server's own must not end the thread that would bring the version which mends it.
            logger.exception("%s: the push folder was not followed; trying again", self.name)

    def _bring(self, wanted: str | None) -> None:
        live, trying = self.deployment.live, self.deployment.trying
        if wanted is None or (trying and trying.version.number == wanted):
            return
        if live and live.number == wanted:
            if trying:  # the pointer was set back while the new version was on trial
                logger.info("%s: version %s is no longer wanted", self.name, trying.version.number)
                self.deployment.swap(live)
                self._withdraw(trying.version.number)
                self._count()
            return
        if self._refused.get(wanted, (0.0, 0.0))[0] > self._clock():
            return
        verdict = self._board.standing(wanted) if self._board else ""
        if verdict.startswith(REJECT):
            self._refuse(wanted, verdict.removeprefix(REJECT), for_ever=True)
            return
        loaded = self._loaded(wanted)
        if loaded is None:
            return
        if live and self._settings.trial.wanted and not verdict:
            if trying:
                self._withdraw(trying.version.number)
            self.deployment.put_to_trial(loaded, self._settings.trial)
            logger.info("%s: version %s is on trial beside version %s", self.name, wanted, live.number)
            self._count()
        else:
            self._take_over(loaded)

    def _loaded(self, version: str) -> Loaded | None:
        """Loads and probes a version; None where it is refused, which is told."""
        began = time.monotonic()
        try:
            backend = self.folder.load(version, self._settings)
            try:
                found = probes.read(self.folder.path(version)) or [probes.Probe(*own) for own in backend.probes]
                asked = probes.check(backend, found, self._settings.tolerance)
                self._check_columns(version, backend.columns)
            except BaseException:
                backend.close()
                raise
        except VersionError as error:
            self._refuse(version, str(error), for_ever=isinstance(error, ProbeError))
            return None
        seconds = time.monotonic() - began
        logger.info("%s: loaded in %.1f s, %d probes answered", self.folder.path(version), seconds, asked)
        self._refused.pop(version, None)
        return Loaded(version, backend)

    def _check_columns(self, version: str, columns: Sequence[object]) -> None:
        """Clients send what the live version reads; one that reads other columns would fail them all."""
        live = self.deployment.live
        if live and tuple(columns) != live.backend.columns:
            raise ProbeError(f"it reads other columns than version {live.number}; start the server anew to serve it")

    def _refuse(self, version: str, reason: str, *, for_ever: bool) -> None:
        _, wait = self._refused.get(version, (0.0, _FIRST_WAIT))
        again = float("inf") if for_ever else self._clock() + wait
        self._refused[version] = (again, min(2 * wait, _LONGEST_WAIT))
        name, live = self.name or self.folder.source.folder.absolute().name, self.deployment.live
        metrics.VERSIONS_REFUSED.labels(name).inc()
        stays = f"version {live.number} goes on answering" if live else "it is not served"
        logger.error("%s: version %s is refused: %s; %s", name, version, reason, stays)

    def _end_trial(self) -> None:
        before = self.deployment.live
        ended = self.deployment.judge(self._board.judge if self._board else None)
        if ended is None:
            return
        version, reason = ended
        self._withdraw(version.number)
        if reason:
            self._refuse(version.number, reason, for_ever=True)
        else:
            logger.info("%s: version %s passed its trial and answers now", self.name, version.number)
            self._agree(version, before)
        self._count()

    def _take_over(self, loaded: Loaded) -> None:
        before = self.deployment.live
        self.deployment.swap(loaded)
        logger.info(
            "%s: version %s answers now%s", self.name, loaded.number, f", version {before.number} did" if before else ""
        )
        self._agree(loaded, before)
        self._count()

    def _agree(self, version: Loaded, before: Loaded | None) -> None:
        if self._board:
            self._board.took_over(version.number, before.number if before else None)

    def _withdraw(self, version: str) -> None:
        if self._board:
            self._board.withdraw(version)

    def _count(self) -> None:
        live, trying = self.deployment.live, self.deployment.trying
        metrics.show_versions(self.name, live.number if live else None, trying.version.number if trying else None)

    def _tell(self, problem: str) -> None:
        if problem != self._told:
            logger.error("%s: %s", self.name, problem)
            self._told = problem


class Watch:
    """The thread in which all models follow their push folders."""

    def __init__(self, followers: Sequence[Follower], interval: float) -> None:
        """Prepares the thread.

        Args:
            followers: of the models.
            interval: seconds between two looks.
        """
        self._followers = followers
        self._interval = interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="push folders", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after the look that is under way; see `join`."""
        self._stopped.set()

    def join(self, seconds: float) -> None:
        """Waits for the end of the thread: a runtime that is loading a model does not bear the end of the process.

        Args:
            seconds: how long.
        """
        self._thread.join(seconds)

    def _watch(self) -> None:
        while not self._stopped.wait(self._interval):
            for follower in self._followers:
                follower.tick()
