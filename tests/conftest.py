"""What all tests share. `modules` is imported before anything else: it settles Keras 2 for the whole process."""

import gc
import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import modules  # noqa: F401

import pytest

from pipeline.redaction import redact
from tests import light, scheduling
from tests.tools import skips

# TensorFlow's C++ log would drown a failing test's own output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def no_secret_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test plants as a secret is an ordinary word in the next one."""
    monkeypatch.setattr(redact, "_spellings", set())
    monkeypatch.setattr(redact, "_known", None)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The project's top folder."""
    return ROOT


@pytest.fixture
def tmp_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder in place of the user's."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("EDGELINE_CACHE", str(folder))
    return folder


@pytest.fixture
def float32_policy() -> Iterator[None]:
    """Plain float32 before a test that sets a precision policy, and again after it."""
    import tf_keras

    tf_keras.mixed_precision.set_global_policy("float32")
    yield
    tf_keras.mixed_precision.set_global_policy("float32")


@pytest.fixture(autouse=True)
def nothing_but_this_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test that is not slow where it reaches for the network: on another machine it would wait for minutes."""
    if request.node.get_closest_marker("slow"):
        return
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def local_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _require_this_machine(address[0])
        connect(self, address)

    def local_look_up(host: Any, *args: Any, **options: Any) -> Any:
        _require_this_machine(host)
        return look_up(host, *args, **options)

    monkeypatch.setattr(socket.socket, "connect", local_connect)
    monkeypatch.setattr(socket, "getaddrinfo", local_look_up)


def _require_this_machine(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    try:
        local = ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except (ValueError, AttributeError):
        local = name in (None, "", "localhost", socket.gethostname())
    if not local:
        raise AssertionError(f"this test reaches for {name}; stand in for it, or mark the test slow")


@pytest.fixture(scope="session")
def vocabulary_file(repository: Path) -> Path:
    """A small WordPiece vocabulary, uncased: letters, digits, punctuation, common words and suffixes."""
    return repository / "tests" / "data" / "vocab.txt"


@pytest.fixture(scope="session")
def tiny_backbone(vocabulary_file: Path) -> dict[str, Any]:
    """The `backbone` section of a network that trains in milliseconds."""
    shape = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16}
    return {"kind": "scratch", "vocabulary": str(vocabulary_file), **shape}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares `--light`."""
    text = "leave out the files that import TensorFlow, TFX or Beam; see tests/light.py"
    parser.addoption("--light", action="store_true", help=text)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves heavy files out, before they are imported."""
    if not config.getoption("--light") or collection_path.suffix != ".py" or not collection_path.is_file():
        return None
    return True if not light.is_light(collection_path) else None


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keeps the files that share a pipeline run on one worker."""
    return scheduling.scheduler(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Refuses skips for want of a program in CI."""
    skips.refuse(session)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was skipped, and why."""
    skips.report(terminalreporter._session, terminalreporter.write_line)


def pytest_unconfigure() -> None:
    """Keeps protobuf from crashing when the interpreter ends.

    Messages that a Beam or TFX object still holds are freed after protobuf's module is: the process then dies of a
    segmentation fault (exit code 139) after all tests have passed. Frozen objects are not collected at the end.
    """
    gc.freeze()
