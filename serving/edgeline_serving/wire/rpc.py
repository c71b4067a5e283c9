"""The gRPC server of the Open Inference Protocol: KServe's servicer, behind the same door as REST."""

from __future__ import annotations

import logging
from typing import Any

import grpc
from grpc import aio

from edgeline_serving import metrics
from edgeline_serving.errors import RequestError, SettingsError
from edgeline_serving.settings import Settings
from edgeline_serving.wire.app import Plane, Repository, told
from edgeline_serving.wire.guard import internal
from edgeline_serving.wire.kserve_parts import InferenceServicer, grpc_services, kserve_errors
from edgeline_serving.wire.tokens import Tokens

logger = logging.getLogger("edgeline_serving")
_STATUS = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
_METHODS = (  # whose callers must have a token; whether the server lives and is ready is told to everybody
    "ServerMetadata",
    "ModelReady",
    "ModelMetadata",
    "ModelInfer",
    "RepositoryModelLoad",
    "RepositoryModelUnload",
)
_KNOWN = (RequestError, NotImplementedError, kserve_errors.InvalidInput, kserve_errors.InferenceError,
          kserve_errors.ModelNotFound, kserve_errors.ModelNotReady)  # fmt: skip


class Servicer(InferenceServicer):
    """KServe's, which asks for a token, and tells errors without a client's words."""

    def __init__(self, plane: Plane, tokens: Tokens | None) -> None:
        """Takes what answers.

        Args:
            plane: with the models.
            tokens: who is let in; None lets everybody in.
        """
        super().__init__(plane, Repository(plane.model_registry))
        self._tokens = tokens
        for name in _METHODS:
            setattr(self, name, self._guarded(getattr(super(), name)))

    def _guarded(self, method: Any) -> Any:
        async def call(request: Any, context: Any) -> Any:
            try:
                self._let_in(context)
                return await method(request, context)
            except _KNOWN as error:
                code, message = told(error)
                await context.abort(_STATUS.get(code, grpc.StatusCode.INTERNAL), message)
            except aio.AbortError:
                raise
            except Exception as error:
                logger.error("gRPC %s: internal error: %s", method.__name__, type(error).__name__)
                await context.abort(grpc.StatusCode.INTERNAL, internal(error))

        return call

    def _let_in(self, context: Any) -> None:
        if self._tokens is None:
            return
        given = dict(context.invocation_metadata() or ()).get("authorization", "")
        if not self._tokens.admits(given if isinstance(given, str) else ""):
            metrics.REFUSED.labels("token").inc()
            raise RequestError(401, "a valid token is needed: authorization: Bearer …")


class RpcServer:
    """Listens for gRPC.

    Attributes:
        port: where.
    """

    def __init__(self, plane: Plane, settings: Settings, tokens: Tokens | None, shared_port: int | None = None) -> None:
        """Binds the address; to be made inside the event loop.

        Args:
            plane: with the models.
            settings: where to listen, TLS, limits.
            tokens: who is let in; None lets everybody in.
            shared_port: where other processes listen as well, in place of the settings' port.

        Raises:
            SettingsError: the address cannot be bound.
        """
        limits = settings.limits
        self._server = aio.server(
            options=[
                ("grpc.max_receive_message_length", limits.body),
                ("grpc.so_reuseport", int(shared_port is not None)),
            ],
            maximum_concurrent_rpcs=limits.waiting,
        )
        grpc_services.add_GRPCInferenceServiceServicer_to_server(Servicer(plane, tokens), self._server)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"{host}:{shared_port or settings.grpc_port}"
        try:
            if settings.certificate and settings.private_key:
                pair = (settings.private_key.read_bytes(), settings.certificate.read_bytes())
                self.port = self._server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
            else:
                self.port = self._server.add_insecure_port(address)
        except (RuntimeError, OSError) as error:
            raise SettingsError(f"--grpc-port {settings.grpc_port}: cannot be listened on: {error}") from error
        if not self.port:
            raise SettingsError(f"--grpc-port {settings.grpc_port}: cannot be listened on")

    async def start(self) -> None:
        """Begins to answer."""
        await self._server.start()

    async def stop(self, seconds: float) -> None:
        """Takes no new call, and waits for those under way.

        Args:
            seconds: how long.
        """
        await self._server.stop(seconds)
