"""A model as KServe sees it: requests of V1 and V2 in, answers of whichever version the deployment names."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from edgeline_serving import explanations, metrics
from edgeline_serving.backends.base import Answer, Row
from edgeline_serving.errors import LateError, RequestError
from edgeline_serving.request_log import RequestLog
from edgeline_serving.settings import Settings
from edgeline_serving.versions.deployment import Deployment, Loaded, Route
from edgeline_serving.versions.probes import difference
from edgeline_serving.wire import forms, tensors
from edgeline_serving.wire.guard import internal
from edgeline_serving.wire.kserve_parts import InferRequest, Model

logger = logging.getLogger("edgeline_serving")
REQUEST_ID, VERSION = "x-request-id", "x-model-version"


class ServedModel(Model):
    """One model, of whatever version."""

    def __init__(self, name: str, deployment: Deployment, settings: Settings, log: RequestLog | None = None) -> None:
        """Prepares; it is ready as soon as the deployment has a version.

        Args:
            name: in paths.
            deployment: what answers.
            settings: limits and tolerance.
            log: of requests.
        """
        super().__init__(name, return_response_headers=True)
        self._deployment = deployment
        self._settings = settings
        self._log = log
        self._shadows: set[asyncio.Task[None]] = set()

    async def healthy(self) -> bool:
        """Whether there is a version that answers."""
        return self._deployment.live is not None

    def load(self) -> bool:
        """Versions are loaded by whom follows the push folder; KServe asks this of a model that is not ready."""
        self.ready = self._deployment.live is not None
        return self.ready

    def stop(self) -> None:
        """KServe's hook; versions are closed with the server."""
        self.ready = False

    def get_input_types(self) -> list[dict[str, Any]]:
        """The inputs of V2's metadata: the columns."""
        live = self._deployment.live
        return [
            {"name": column.name, "datatype": column.datatype, "shape": [-1]}
            for column in (live.backend.columns if live else ())
        ]

    def get_output_types(self) -> list[dict[str, Any]]:
        """The outputs of V2's metadata."""
        live = self._deployment.live
        return tensors.outputs_of(live.backend) if live else []

    def about(self) -> dict[str, Any]:
        """What V2's metadata say of the versions: which there are, the live one first, and what runs them."""
        live, trying = self._deployment.live, self._deployment.trying
        versions = [version.number for version in (live, trying.version if trying else None) if version]
        return {"versions": versions, "platform": live.backend.platform if live else ""}

    async def explain(self, payload: Any, headers: dict[str, str] | None = None) -> Any:
        """Explains answers, see `edgeline_serving.explanations`; a version on trial is not asked.

        Args:
            payload: V1's JSON, with `label` where another label than the answered one is to be explained.
            headers: of the request.

        Returns:
            As V1 wants it.

        Raises:
            RequestError: the request cannot be answered, or the model's answers are neither a label nor a number.
        """
        live = self._deployment.live
        if live is None:
            raise RequestError(503, f"{self.name} has no version that answers")
        live.hold()
        try:
            return {"explanations": await self._explained(live, payload), "model_version": live.number}
        finally:
            live.release()

    async def _explained(self, live: Loaded, payload: Any) -> list[Answer]:
        backend, limits = live.backend, self._settings.limits
        read = forms.rows_of_v1(payload, backend.columns, limits.instances)
        label = forms.label_of_v1(payload, backend.labels)
        rows = [row for row in read if not isinstance(row, str)]
        parts = [explanations.parts_of(row, backend.columns, limits.parts) for row in rows]
        lacking = [explanations.without(row, part) for row, own in zip(rows, parts, strict=True) for part in own]
        answers = await self._ask(live, [*rows, *lacking])
        told, others = iter(zip(rows, answers, parts, strict=False)), iter(answers[len(rows) :])
        found: list[Answer] = []
        for number, row in enumerate(read):
            if isinstance(row, str):
                found.append({"error": row})
                continue
            asked, answer, own = next(told)
            lacked = list(itertools.islice(others, len(own)))
            if set(answer) == {"error"}:
                found.append(_named(answer, number, False))
            else:
                found.append(explanations.explanation(asked, answer, label, own, lacked))
        self._refuse_errors(live, found, all_or_none=False)
        metrics.EXPLAINED.labels(self.name, live.number).inc(len(rows))
        return found

    async def predict(
        self, payload: Any, headers: Mapping[str, str] | None = None, response_headers: dict[str, str] | None = None
    ) -> Any:
        """Answers a request.

        Args:
            payload: V1's JSON, or V2's request.
            headers: of the request.
            response_headers: gets the version that answered.

        Returns:
            As V1 or V2 wants it.

        Raises:
            RequestError: the request cannot be answered.
        """
        route = self._deployment.route()
        if route is None:
            raise RequestError(503, f"{self.name} has no version that answers")
        try:
            return await self._predict(
                route, payload, headers or {}, {} if response_headers is None else response_headers
            )
        finally:
            route.done()

    async def _predict(
        self, route: Route, payload: Any, headers: Mapping[str, str], response_headers: dict[str, str]
    ) -> Any:
        columns, most = route.answering.backend.columns, self._settings.limits.instances
        is_v2 = isinstance(payload, InferRequest)
        try:
            read: Sequence[Row | str] = (
                tensors.rows_of_v2(payload, columns, most) if is_v2 else forms.rows_of_v1(payload, columns, most)
            )
        except RequestError:
            self._count(route.answering, "refused")
            raise
        rows = [row for row in read if not isinstance(row, str)]
        began = time.perf_counter()
        version, answers = await self._answered(route, rows)
        seconds = time.perf_counter() - began
        metrics.of(metrics.SECONDS, self.name, version.number).observe(seconds)
        if route.shadow:
            self._compare(route.shadow, rows, answers)
        if self._log:
            self._log.note(
                request_id=headers.get(REQUEST_ID) or getattr(payload, "id", None) or "", model=self.name,
                version=version.number, columns=columns, rows=rows, answers=answers, seconds=seconds,
            )  # fmt: skip
        response_headers[VERSION] = version.number
        rest = iter(answers)
        told = [{"error": row} if isinstance(row, str) else _named(next(rest), n, is_v2) for n, row in enumerate(read)]
        self._refuse_errors(version, told, all_or_none=is_v2)
        for answer in answers:
            for label in [answer["label"]] if "label" in answer else answer.get("labels", ()):
                metrics.of(metrics.PREDICTIONS, self.name, version.number, label).inc()
        self._count(version, "answered")
        if is_v2:
            return tensors.response_of(payload, version.backend, answers, model=self.name, version=version.number)
        return {"predictions": told}

    async def _answered(self, route: Route, rows: Sequence[Row]) -> tuple[Loaded, list[Answer]]:
        """The answers, and the version that they are of: where a canary fails, the one before it answers."""
        try:
            answers = await self._ask(route.answering, rows)
        except LateError:
            if route.instead is not None:
                self._deployment.tried(route.answering, ok=False)
            raise
        except Exception as error:  # whatever a model's runtime raises; its message may hold the text
            self._count(route.answering, "failed")
            logger.error("%s: version %s failed: %s", self.name, route.answering.number, type(error).__name__)
            if route.instead is None:
                raise RequestError(500, internal(error)) from None
            self._deployment.tried(route.answering, ok=False)
            return await self._answered(Route(route.instead), rows)
        if route.instead is not None:
            self._deployment.tried(route.answering, ok=True)
        return route.answering, answers

    async def _ask(self, version: Loaded, rows: Sequence[Row]) -> list[Answer]:
        """Asks a version, no longer than a request may take; work that nobody waits for any more ends."""
        over: list[bool] = []  # a flag that is cheap to make
        limit = self._settings.limits.seconds
        version.hold()  # to the end of the work, which may be later than that of the request
        try:
            future = version.backend.submit(rows, lambda: bool(over))
        except BaseException:
            version.release()
            raise
        future.add_done_callback(lambda _: version.release())
        try:
            async with asyncio.timeout(limit):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            self._count(version, "late")
            raise LateError(503, f"more than {limit:g} s of work; ask for less at once") from None
        finally:
            over.append(True)

    def _compare(self, shadow: Loaded, rows: Sequence[Row], answers: Sequence[Answer]) -> None:
        """Asks the shadow, behind the back of the client. More than a few at a time would slow the answers down."""
        if len(self._shadows) >= self._settings.limits.waiting // 4:
            metrics.SHADOWED.labels(self.name, "skipped").inc(len(rows))
            return
        shadow.hold()  # the request's own hold ends before the task begins
        task = asyncio.get_running_loop().create_task(self._shadowed(shadow, list(rows), list(answers)))
        self._shadows.add(task)
        task.add_done_callback(self._shadows.discard)
        task.add_done_callback(lambda _: shadow.release())

    async def _shadowed(self, shadow: Loaded, rows: list[Row], answers: list[Answer]) -> None:
        try:
            found = await self._ask(shadow, rows)
        except Exception as error:  # a shadow must not hurt anybody
            metrics.SHADOWED.labels(self.name, "failed").inc(len(rows))
            logger.error("%s: the shadow, version %s, failed: %s", self.name, shadow.number, type(error).__name__)
            self._deployment.tried(shadow, ok=False)
            return
        same = sum(_agree(*pair, self._settings.tolerance) for pair in zip(answers, found, strict=True))
        metrics.SHADOWED.labels(self.name, "same").inc(same)
        metrics.SHADOWED.labels(self.name, "other").inc(len(rows) - same)
        self._deployment.tried(shadow, ok=True, compared=len(rows), agreed=same)

    def _refuse_errors(self, version: Loaded, told: Sequence[Answer], *, all_or_none: bool) -> None:
        """V1 tells an error in its row's place, unless there is nothing else; V2 has no place for one."""
        errors = [answer["error"] for answer in told if set(answer) == {"error"}]
        if errors and (all_or_none or len(errors) == len(told)):
            self._count(version, "refused")
            raise RequestError(400, errors[0])

    def _count(self, version: Loaded, outcome: str) -> None:
        metrics.of(metrics.REQUESTS, self.name, version.number, outcome).inc()


def _named(answer: Answer, number: int, is_v2: bool) -> Answer:
    """An error of a row names the row."""
    if set(answer) != {"error"}:
        return answer
    return {"error": f"{'row ' if is_v2 else 'instances['}{number}{'' if is_v2 else ']'}: {answer['error']}"}


def _agree(answer: Answer, other: Answer, tolerance: float) -> bool:
    """Whether two versions say the same: of labels the labels, since new scores are what a new version is for."""
    for named in ("label", "labels"):
        if named in answer:
            return bool(answer[named] == other.get(named))
    return not difference(answer, other, tolerance)
