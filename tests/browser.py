"""Headless Chromium, driven over its DevTools protocol: what a page says, asks for, and looks like."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import itertools
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
import websocket

from tests.tools import programs

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
    "--remote-allow-origins=*", "--hide-scrollbars",
)  # fmt: skip
_START_SECONDS = 60


@dataclasses.dataclass
class Page:
    """A tab.

    Attributes:
        problems: errors and warnings of the console, exceptions, and violations of the page's own policy.
        requests: addresses that were asked for, the page's own among them.
    """

    socket: websocket.WebSocket
    problems: list[str] = dataclasses.field(default_factory=list)
    requests: list[str] = dataclasses.field(default_factory=list)
    _numbers: Iterator[int] = dataclasses.field(default_factory=lambda: itertools.count(1))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Asks for something of the protocol, and notes what happens until the answer."""
        number = next(self._numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self._note(message)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def ready(self) -> None:
        """Waits until the page's address is loaded and nothing is loading any more."""
        self.wait_for("location.href !== 'about:blank' && document.readyState === 'complete'")

    def wait_for(self, expression: str, seconds: float = 60) -> None:
        """Waits until an expression is true."""
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            assert time.monotonic() < end, f"not within {seconds} s: {expression}"
            time.sleep(0.1)

    def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """Sets the size of the screen and the colours that its reader prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self, path: Path) -> None:
        """Takes a picture of the whole page."""
        content = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(content["data"]))

    def _note(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        if message["method"] == "Runtime.exceptionThrown":
            self.problems.append(str(parameters["exceptionDetails"]))
        elif message["method"] == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.problems.append(str([item.get("value", item) for item in parameters["args"]]))
        elif message["method"] == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.problems.append(parameters["entry"]["text"])
        elif message["method"] == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])


@contextlib.contextmanager
def opened(address: str, folder: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> Iterator[Page]:
    """Opens a page in a browser of its own.

    Args:
        address: of the page.
        folder: for the browser's files.
        width: of the screen in pixels.
        height: of the screen in pixels.
        dark: what its reader prefers.
    """
    program = programs.need(programs.CHROMIUM)["chromium"]
    profile = folder / "chromium"
    command = [str(program), *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            page = _connect(profile, address, width, height, dark=dark)
            yield page
            page.call("Browser.close")
        except BaseException:
            process.terminate()
            raise


def _connect(profile: Path, address: str, width: int, height: int, *, dark: bool) -> Page:
    found, end = profile / "DevToolsActivePort", time.monotonic() + _START_SECONDS
    while not (found.is_file() and found.read_text().count("\n")):
        assert time.monotonic() < end, "Chromium did not start"
        time.sleep(0.05)
    port = found.read_text().split("\n")[0]
    [tab] = [
        item for item in requests.get(f"http://127.0.0.1:{port}/json", timeout=10).json() if item["type"] == "page"
    ]
    page = Page(websocket.create_connection(tab["webSocketDebuggerUrl"], timeout=120))
    for domain in ("Page", "Runtime", "Log", "Network"):
        page.call(f"{domain}.enable")
    page.look(width, height, dark=dark)
    page.call("Page.navigate", url=address)
    page.ready()
    return page
