"""Where the server listens."""

from __future__ import annotations

import socket

from edgeline_serving.errors import SettingsError


def bound(
    host: str, port: int, option: str = "--port", *, queue: int | None = 2048, shared: bool = False
) -> socket.socket:
    """A socket on an address.

    Args:
        host: name or address.
        port: 0 takes a free one.
        option: what to name in an error.
        queue: clients that may wait for somebody to take them; None does not listen.
        shared: whether other sockets may have the same address.

    Raises:
        SettingsError: the address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.bind(address)
            if queue is not None:
                made.listen(queue)  # from here on nobody is turned away: who comes early waits
        except OSError:
            made.close()
            raise
    except OSError as error:
        raise SettingsError(f"--host {host} {option} {port}: cannot be listened on: {error}") from error
    return made


def reserved(host: str, port: int) -> socket.socket:
    """A socket that keeps an address for gRPC servers of several processes, and listens to nobody itself.

    Args:
        host: name or address.
        port: 0 takes a free one.

    Raises:
        SettingsError: somebody else listens there.
    """
    # Alone first: a shared address would be had beside another server's, and share its clients with it.
    alone = bound(host, port, "--grpc-port")
    number = int(alone.getsockname()[1])
    alone.close()
    return bound(host, number, "--grpc-port", queue=None, shared=True)
