"""The REST application: KServe's endpoints of V1 and V2, `/metrics`, OpenAPI, and errors in KServe's one form."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import fastapi
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import exposition
from starlette.exceptions import HTTPException

from edgeline_serving import __version__, metrics
from edgeline_serving.errors import RequestError
from edgeline_serving.settings import Limits
from edgeline_serving.wire.direct import Direct
from edgeline_serving.wire.guard import Guard, internal
from edgeline_serving.wire.kserve_parts import (
    DataPlane,
    Model,
    ModelRepository,
    ModelRepositoryExtension,
    kserve_errors,
    register_v1_endpoints,
    register_v2_endpoints,
)
from edgeline_serving.wire.tokens import Tokens

# KServe's other messages may quote the request.
_SAFE_MESSAGES = ("Unrecognized request format: ", "received byte inputs")
_CODES = {
    kserve_errors.ModelNotFound: HTTPStatus.NOT_FOUND,
    kserve_errors.ModelNotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    kserve_errors.ServerNotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    kserve_errors.ServerNotLive: HTTPStatus.SERVICE_UNAVAILABLE,
    NotImplementedError: HTTPStatus.NOT_IMPLEMENTED,
}


class Plane(DataPlane):
    """KServe's data plane, ready only while all models are and nobody has asked the server to stop.

    Attributes:
        stopping: whether somebody has.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        """Registers the models."""
        registry = ModelRepository()
        for model in models:
            registry.update(model)
        super().__init__(model_registry=registry)
        self.stopping = False

    async def ready(self) -> bool:
        """What an orchestrator sends requests by."""
        models = self.model_registry.get_models().values()
        return not self.stopping and all([await model.healthy() for model in models])

    async def model_metadata(self, model_name: str) -> dict[str, Any]:
        """KServe's, with the versions that answer and what runs them."""
        found = await super().model_metadata(model_name)
        return {**found, **self.model_registry.get_model(model_name).about()}


class Repository(ModelRepositoryExtension):
    """The repository's protocol, which can be read only: versions come and go with the push folder."""

    async def load(self, model_name: str) -> None:
        """Refuses.

        Raises:
            RequestError: always.
        """
        raise RequestError(501, "versions are loaded from the push folder, and by nobody else")

    async def unload(self, model_name: str) -> None:
        """Refuses, as `load`."""
        await self.load(model_name)


def application(plane: Plane, limits: Limits, tokens: Tokens | None = None) -> Guard:
    """Puts the application together.

    Args:
        plane: with the models.
        limits: what a client may ask for.
        tokens: who is let in; None lets everybody in.
    """
    app = fastapi.FastAPI(title="edgeline-serving", version=__version__, docs_url=None, redoc_url=None)
    repository = Repository(plane.model_registry)
    app.add_api_route("/", plane.live, methods=["GET"], tags=["health"])
    app.add_api_route("/metrics", _metrics, methods=["GET"], tags=["metrics"], response_class=Response)
    register_v1_endpoints(app, plane, repository)
    register_v2_endpoints(app, plane, repository)
    for error in (RequestError, kserve_errors.InvalidInput, kserve_errors.InferenceError, *_CODES):
        app.add_exception_handler(error, _told)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _internal)  # raised again behind the answer, and told by the guard
    # KServe tells each request's timings in a line of the log.
    logging.getLogger("kserve").setLevel(logging.WARNING)
    return Guard(Direct(app, plane), limits, tokens)


def told(error: Exception) -> tuple[int, str]:
    """The HTTP status of an exception, and what a client may read of it.

    Args:
        error: of ours or of KServe's.
    """
    if isinstance(error, RequestError):
        return error.code, str(error)
    if isinstance(error, (kserve_errors.InvalidInput, kserve_errors.InferenceError)):
        reason = str(error)
        safe = reason.startswith(_SAFE_MESSAGES)
        return (
            HTTPStatus.BAD_REQUEST,
            reason if safe else "the request has not the form that KServe's protocol gives it",
        )
    code = next(code for kind, code in _CODES.items() if isinstance(error, kind))
    return code, str(error)


async def _metrics(request: fastapi.Request) -> Response:
    """What Prometheus reads."""
    encode, kind = exposition.choose_encoder(request.headers.get("accept"))
    return Response(encode(metrics.registry()), headers={"content-type": kind})


async def _told(_: Any, error: Exception) -> JSONResponse:
    code, message = told(error)
    return _error(code, message)


async def _not_valid(_: Any, error: Exception) -> JSONResponse:
    """Says where a body is wrong; FastAPI's own answer would quote it."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    # KServe takes V2's JSON or bytes; that the body is no bytes is nothing to tell.
    places = [[str(part)[:64] for part in problem["loc"][1:] if part != "InferenceRequest"] for problem in problems]
    said = [
        f"{'.'.join(place) or 'body'}: {problem['msg']}"
        for place, problem in zip(places, problems, strict=True)
        if place != ["bytes"]
    ]
    return _error(HTTPStatus.BAD_REQUEST, "; ".join(said[:3]) or "the request is not valid")


async def _http(_: Any, error: Exception) -> JSONResponse:
    code = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    headers = error.headers if isinstance(error, HTTPException) else None
    message = {404: "there is nothing here", 405: "this is asked with another method"}.get(
        code, HTTPStatus(code).phrase
    )
    return _error(code, message, headers)


async def _internal(_: Any, error: Exception) -> JSONResponse:
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR, internal(error))


def _error(code: int, message: str, headers: Any = None) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=code, headers=headers)
