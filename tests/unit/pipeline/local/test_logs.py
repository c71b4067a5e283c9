"""`pipeline.local.logs`: the screen is the run's alone, and nothing that a library says is lost."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


def run(tmp_path: Path, body: str, *, fails: bool = False) -> tuple[str, str, str]:
    """Runs Python code in a process of its own, whose descriptors are really its own: stdout, stderr, log."""
    log = tmp_path / "new" / "run.log"
    code = (
        "import ctypes, logging, os, subprocess, sys, warnings\n"
        "from pathlib import Path\n"
        "from pipeline.local import logs\n"
        f"log = Path({str(log)!r})\n" + textwrap.dedent(body)
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False,
        cwd=Path(__file__).parents[4],
    )  # fmt: skip
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout, done.stderr, log.read_text(encoding="utf-8")


def test_what_anybody_writes_anyhow_lands_in_the_log_and_not_on_the_screen(tmp_path: Path) -> None:
    out, err, log = run(
        tmp_path,
        """
        with logs.captured(log) as screen:
            os.write(2, b"a C++ library warns\\n")
            os.write(1, b"a C++ library prints\\n")
            ctypes.CDLL(None).puts(b"libc prints")
            ctypes.CDLL(None).fflush(None)
            print("Python prints")
            print("Python complains", file=sys.stderr)
            subprocess.run(["echo", "a child prints"])
            logging.getLogger("tfx").info("TFX informs")
            warnings.warn("Python warns")
            screen.write("the run speaks\\n")
        print("afterwards")
        print("afterwards too", file=sys.stderr)
        """,
    )
    assert out == "the run speaks\nafterwards\n"
    assert err == "afterwards too\n"
    for text in (
        "a C++ library warns", "a C++ library prints", "libc prints", "Python prints", "Python complains",
        "a child prints", "tfx: TFX informs", "Python warns",
    ):  # fmt: skip
        assert text in log


def test_output_is_given_back_after_an_error(tmp_path: Path) -> None:
    out, err, log = run(
        tmp_path,
        """
        try:
            with logs.captured(log) as screen:
                print("inside")
                raise ValueError("wrong")
        except ValueError as error:
            print("told:", error)
        """,
    )
    assert out == "told: wrong\n"
    assert "inside" in log
    assert err == ""


def test_an_error_that_nobody_catches_is_shown(tmp_path: Path) -> None:
    _, err, _ = run(tmp_path, "with logs.captured(log): raise ValueError('wrong')", fails=True)
    assert "ValueError: wrong" in err


def test_a_second_run_is_appended(tmp_path: Path) -> None:
    _, _, log = run(
        tmp_path,
        """
        for word in ("first", "second"):
            with logs.captured(log):
                print(word)
                logging.info("logged %s", word)
        """,
    )
    assert log.count("first") == log.count("second") == 2


def test_verbose_leaves_everything_on_the_screen(tmp_path: Path) -> None:
    out, err, _ = run(
        tmp_path,
        """
        with logs.captured(log, verbose=True) as screen:
            print("Python prints", flush=True)
            logging.getLogger("tfx").info("TFX informs")
            screen.write("the run speaks\\n")
        """,
    )
    assert "Python prints" in out
    assert "the run speaks" in out
    assert "TFX informs" in err


def test_any_character_can_be_shown_on_a_poor_terminal(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    code = (
        "from pathlib import Path\nfrom pipeline.local import logs\n"
        f"with logs.captured(Path({str(log)!r})) as screen: screen.write('✓ \\udcff done\\n')"
    )
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, check=True, env=environment,
        cwd=Path(__file__).parents[4],
    )  # fmt: skip
    assert done.stdout.decode("utf-8") == "+ \\udcff done\n"


def test_no_descriptor_and_no_handler_is_left_behind(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    from pipeline.local import logs

    gc.collect()  # what other tests left open is closed by chance otherwise, between the two looks
    descriptors = set(os.listdir("/proc/self/fd"))
    before = list(logging.getLogger().handlers), logging.getLogger().level
    for _ in range(3):
        with logs.captured(tmp_path / "run.log"):
            pass
    assert set(os.listdir("/proc/self/fd")) <= descriptors
    assert (logging.getLogger().handlers, logging.getLogger().level) == before


def test_records_of_absl_reach_the_log_once(tmp_path: Path) -> None:
    _, _, log = run(
        tmp_path,
        """
        with logs.captured(log):
            from absl import logging as absl_logging
            logs.hand_absl_over()
            absl_logging.info("absl informs")
            logging.getLogger("tensorflow").addHandler(logging.StreamHandler())
            logs.hand_absl_over()
            logging.getLogger("tensorflow").warning("TensorFlow warns")
        """,
    )
    assert log.count("absl informs") == 1
    assert log.count("TensorFlow warns") == 1
