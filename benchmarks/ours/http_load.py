"""Asks a server over a number of connections, each with one request after the other, for some seconds.

A process of its own beside the server's, on this machine: plain sockets and as little Python a request as can be, since
what it costs is taken from the cores that both share.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlsplit

from benchmarks.harness.worker import serve


async def _client(
    host: str, port: int, requests: list[bytes], first: int, until: float, told: list[float], ending: bool
) -> int:
    """One connection; returns how many answers were no 200, or were cut."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except ConnectionError:  # nobody listens any more
        return int(not ending)
    failed, number = 0, first
    try:
        while (began := time.perf_counter()) < until:
            head = b""
            try:
                writer.write(requests[number % len(requests)])
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                # No byte of an answer from a server that ends: the connection was closed between two requests.
                begun = isinstance(error, asyncio.IncompleteReadError) and (error.partial or head)
                return failed + int(bool(begun) or not ending)
            told.append(1e3 * (time.perf_counter() - began))
            failed += not head.startswith(b"HTTP/1.1 200")
            number += 1
            if b"connection: close" in head.lower():
                return failed + int(not ending)
    finally:
        writer.close()
    return failed


async def _load(url: str, texts: list[str], connections: int, seconds: float, ending: bool = False) -> dict[str, Any]:
    parts = urlsplit(url)
    host, port = str(parts.hostname), int(parts.port or 80)
    requests = []
    for text in texts:
        body = json.dumps({"instances": [text]}).encode()
        head = f"POST {parts.path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        requests.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    told: list[float] = []
    began = time.perf_counter()
    clients = [
        _client(host, port, requests, number * len(requests) // connections, began + seconds, told, ending)
        for number in range(connections)
    ]
    failed = sum(await asyncio.gather(*clients))
    return {"ms": told, "failed": failed, "seconds": time.perf_counter() - began}


def prepare() -> Any:
    """What answers `{"url", "texts", "connections", "seconds"}` with `ms` of each answer, `failed` and `seconds`.

    With `ending` the server is going to stop: failed is then only an answer that was begun and not ended.
    """
    return lambda request: asyncio.run(_load(**request))


if __name__ == "__main__":
    serve(prepare)
