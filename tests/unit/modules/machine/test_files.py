"""`modules.machine.files`: the old file or the new one, and never a part of either."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

from modules.machine.files import write_whole

import pytest


def test_a_file_is_replaced_whole_with_the_rights_of_any_new_file(tmp_path: Path) -> None:
    file, plain = tmp_path / "a.json", tmp_path / "plain"
    plain.touch()
    file.write_text("old", encoding="utf-8")
    write_whole(file, "neu ✓\n")
    assert file.read_bytes() == "neu ✓\n".encode()
    assert file.stat().st_mode == plain.stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "plain"]


def test_where_there_is_no_room_the_old_file_stays_and_the_error_names_it(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("old", encoding="utf-8")
    code = (
        "import sys\nfrom pathlib import Path\nfrom modules.machine.files import write_whole\n"
        "try:\n    write_whole(Path(sys.argv[1]), 'x' * 100)\nexcept OSError as error:\n"
        "    print(error.errno, error.filename)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, timeout=60, check=True,
        cwd=Path(__file__).parents[4], preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)),
    )  # fmt: skip
    assert done.stdout == f"{errno.EFBIG} {file}\n"
    assert file.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_folder_that_is_not_there_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_whole(tmp_path / "none" / "a.json", "x")
    assert caught.value.filename == str(tmp_path / "none" / "a.json")
