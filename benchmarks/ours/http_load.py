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


async def _client(host: str, port: int, requests: list[bytes], first: int, until: float, told: list[float]) -> int:
    """One connection; returns how many answers were no 200."""
    reader, writer = await asyncio.open_connection(host, port)
    failed, number = 0, first
    try:
        while (began := time.perf_counter()) < until:
            writer.write(requests[number % len(requests)])
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
            except (ConnectionError, asyncio.IncompleteReadError):  # an answer that was cut
                return failed + 1
            told.append(1e3 * (time.perf_counter() - began))
            failed += not head.startswith(b"HTTP/1.1 200")
            number += 1
    finally:
        writer.close()
    return failed


async def _load(url: str, texts: list[str], connections: int, seconds: float) -> dict[str, Any]:
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
        _client(host, port, requests, number * len(requests) // connections, began + seconds, told)
        for number in range(connections)
    ]
    failed = sum(await asyncio.gather(*clients))
    return {"ms": told, "failed": failed, "seconds": time.perf_counter() - began}


def prepare() -> Any:
    """What answers `{"url", "texts", "connections", "seconds"}` with `ms` of each answer, `failed` and `seconds`."""
    return lambda request: asyncio.run(_load(**request))


if __name__ == "__main__":
    serve(prepare)
