"""`modules.content`: files are known by what they hold, and a digest that is kept is never an old one."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from modules import content

import pytest


def test_a_tree_is_known_by_names_and_bytes_and_not_by_place_or_time(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    (one / "below").mkdir(parents=True)
    (one / "below" / "a").write_bytes(b"1")
    shutil.copytree(one, other)
    os.utime(other / "below" / "a", (1, 1))
    assert content.tree(str(one)) == content.tree(str(other))
    (other / "below" / "a").rename(other / "b")
    assert content.combined(content.tree(str(one))) != content.combined(content.tree(str(other)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that was written a while ago."""
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n")
    return path


def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    original = content.of_file
    monkeypatch.setattr(content, "of_file", lambda path, **options: found.append(path) or original(path, **options))
    return found


def test_an_unchanged_file_is_read_once(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_TICK_NS", 0)
    read = reads(monkeypatch)
    for _ in range(2):
        digests = content.Digests(tmp_path / "store.json")
        found = digests.of(str(file))
        digests.save()
    assert found == content.of_file(str(file))
    assert len(read) == 2  # one of them is the line above


def test_other_bytes_of_equal_size_and_time_are_seen(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cp -p` and `rsync -t` give a changed file its old time."""
    monkeypatch.setattr(content, "_TICK_NS", 0)
    digests = content.Digests(tmp_path / "store.json")
    before, stamp = digests.of(str(file)), file.stat()
    time.sleep(0.02)  # file systems count time in ticks
    file.write_text("b,a\n")
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert file.stat().st_mtime_ns == stamp.st_mtime_ns
    assert digests.of(str(file)) != before


def test_the_digest_of_a_file_that_has_just_been_written_is_not_kept(file: Path, tmp_path: Path) -> None:
    digests = content.Digests(tmp_path / "store.json")
    digests.of(str(file))
    digests.save()
    assert not (tmp_path / "store.json").exists()


@pytest.mark.parametrize("damage", ["", "[1]", "{"])
def test_a_damaged_store_is_an_empty_one(file: Path, tmp_path: Path, damage: str) -> None:
    (tmp_path / "store.json").write_text(damage)
    assert content.Digests(tmp_path / "store.json").of(str(file)) == content.of_file(str(file))
