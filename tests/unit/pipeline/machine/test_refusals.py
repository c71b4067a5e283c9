"""`pipeline.machine.refusals`: what a person is told where the operating system refuses something."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pipeline.machine import refusals


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EACCES, "Give this user the right to it"),
        (errno.EROFS, "can be written to"),
        (errno.ENOTDIR, "A file stands where a folder is needed"),
        (errno.ENAMETOOLONG, "shorter path"),
        (errno.EFBIG, "ulimit -f"),
    ],
)
def test_the_file_the_reason_and_the_remedy_are_told(number: int, remedy: str) -> None:
    told = refusals.told(OSError(number, os.strerror(number), "/a/b.json"))
    assert told.startswith(f"/a/b.json: {os.strerror(number)}.\n")
    assert remedy in told
    assert "--root" in told


def test_a_full_disk_is_told_with_the_room_that_is_left_where_it_matters(tmp_path: Path) -> None:
    told = refusals.told(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), places=[tmp_path / "not" / "there"])
    assert told.startswith("No space left on device.\nFree some space: ")
    assert f"{tmp_path} has " in told
    assert "MiB left" in told


def test_an_error_of_no_known_number_is_told_as_it_is() -> None:
    assert refusals.told(OSError("the server hung up")) == "the server hung up."


def test_a_full_disk_is_found_behind_what_failed_after_it() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/a/model")
    after = RuntimeError("the metadata could not be written")
    after.__context__ = full  # raised while the refusal was dealt with
    assert refusals.cause(after) is full


def test_a_file_that_was_looked_for_in_passing_is_no_cause() -> None:
    missing = FileNotFoundError(errno.ENOENT, "No such file or directory", "/a")
    error = ValueError("labels differ")
    error.__context__ = missing
    assert refusals.cause(error) is error


def test_an_error_that_leads_back_to_itself_ends() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__context__, other.__context__ = other, one
    assert refusals.cause(one) is one
