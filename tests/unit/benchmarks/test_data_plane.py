"""`benchmarks/data_plane.py`: rows that are the same each time, honest fits and tables, a process that is watched."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import data_plane, data_plane_nodes, data_plane_report, data_plane_rows
from benchmarks.harness import results

ROOT = Path(__file__).resolve().parents[3]
VOCABULARY = (ROOT / "tests" / "data" / "vocab.txt").read_text(encoding="utf-8").splitlines()


def measurement(rows: int, side: str, seconds: float, peak: float, node: str = "ExampleGen") -> dict[str, Any]:
    return {
        "side": side, "workers": 1, "rows": rows, "node": node, "seconds": seconds, "cpu_seconds": 2 * seconds,
        "base_bytes": 100, "peak_bytes": int(100 + peak),
    }  # fmt: skip


def generated(path: Path, rows: int, seed: int = 11) -> list[dict[str, str]]:
    data_plane_rows.write(path, rows, VOCABULARY, seed=seed)
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# Rows


def test_the_same_number_and_seed_give_the_same_file(tmp_path: Path) -> None:
    first, again = generated(tmp_path / "a.csv", 300), generated(tmp_path / "b.csv", 300)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert first == again
    assert len(first) == 300
    assert generated(tmp_path / "c.csv", 300, seed=12) != first
    assert not list(tmp_path.glob("*.partial"))


def test_generated_rows_look_like_the_default_data_set(tmp_path: Path) -> None:
    rows = generated(tmp_path / "a.csv", 20_500)
    assert len(rows) == 20_500
    texts = [row["text"] for row in rows]
    assert sum(len(text.split()) for text in texts) / len(texts) == pytest.approx(17, abs=1.5)
    assert {row["label"] for row in rows} == {"negative", "positive"}
    assert {row["source"] for row in rows} == set(data_plane_rows.SOURCES)
    assert 0.002 < 1 - len(set(texts)) / len(texts) < 0.02, "exact duplicates, but few"
    assert sum("&amp;" in text for text in texts) / len(texts) == pytest.approx(data_plane_rows.ENTITIES, abs=0.005)


# What follows from measurements


def test_the_nodes_together_take_all_their_time_and_the_largest_of_their_peaks() -> None:
    found = data_plane_report.result(
        [measurement(10, "edgeline", 1, 50), measurement(10, "edgeline", 2, 70, "Transform")]
    )
    [together] = [item for item in found.details["measurements"] if item["node"] == data_plane_report.ALL]
    assert (together["seconds"], together["cpu_seconds"], together["peak_bytes"]) == (3, 6, 170)
    again = data_plane_report.result(found.details["measurements"])
    assert again.details == found.details, "a kept result is measured on"


def test_memory_that_grows_as_the_rows_do_is_a_missed_goal_and_so_is_a_small_speedup() -> None:
    fast = [measurement(rows, "edgeline", rows / 10, rows**0.5) for rows in (1000, 100_000)]
    plain = [measurement(rows, "plain", rows / 5, rows) for rows in (1000, 100_000)]
    good = data_plane_report.result([*fast, *plain])
    assert [goal.met for goal in good.goals] == [True] * 3
    assert [item["seconds"] for item in good.details["speedup"]] == [2.0] * 4
    hungry = [{**item, "peak_bytes": item["rows"] ** 2} for item in fast]
    [memory, *_] = data_plane_report.result([*hungry, *plain]).goals
    assert (memory.value, memory.met) == (2.0, False)
    slow = [{**item, "seconds": item["rows"] / 6} for item in fast]
    speedups = data_plane_report.result([*slow, *plain]).goals[1:]
    assert [(goal.value, goal.met, bool(goal.note)) for goal in speedups] == [(1.2, False, True)] * 2


def test_the_tables_hold_costs_growth_and_speedup() -> None:
    found = data_plane_report.result(
        [measurement(rows, side, rows / 10, 2**20 * rows) for rows in (1000, 100_000) for side in ("edgeline", "plain")]
    )
    costs, growth, speedup = found.tables
    assert ("100,000", "plain TFX", "ExampleGen", "10000.0", "20000.0", "10", "100,000", "100,000") in costs.rows
    assert ("Edgeline", "ExampleGen", "1.00", "1.00", "1.00", "1.00", "1.00") in growth.rows
    assert ("1,000", "1", "ExampleGen", "1.00", "1.00", "1.00") in speedup.rows


def test_one_size_has_no_growth_and_one_side_no_speedup() -> None:
    found = data_plane_report.result([measurement(1000, "edgeline", 1, 1)])
    assert (found.details["growth"], found.details["speedup"], found.goals, len(found.tables)) == ([], [], [], 1)


def test_a_result_that_is_not_kept_yet_is_told_with_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert data_plane.main(["--markdown", "--results", str(tmp_path)]) == 2
    assert "`python -m benchmarks.data_plane` measures one" in capsys.readouterr().err


def test_a_kept_result_is_printed_as_a_section(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results.write(data_plane_report.result([measurement(1000, "edgeline", 1, 1)]), tmp_path)
    assert data_plane.main(["--markdown", "--results", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("## Rows to training examples")


# A process that is watched


def test_time_and_memory_of_a_process_and_its_children_are_seen_from_outside(tmp_path: Path) -> None:
    def work() -> None:
        kept = bytearray(b"x" * 150_000_000)
        time.sleep(0.3)
        assert kept

    cost = data_plane_nodes.measured(work, tmp_path / "log")
    assert cost.seconds >= 0.3
    assert cost.cpu_seconds > 0
    assert 140e6 < cost.peak_bytes - cost.base_bytes < 400e6


def test_a_process_that_fails_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    def work() -> None:
        raise ValueError("no such column")

    with pytest.raises(data_plane_nodes.NodeFailedError, match="ValueError: no such column"):
        data_plane_nodes.measured(work, tmp_path / "log")


@pytest.mark.parametrize("text", ["", "ten", "10,-1", "0"])
def test_sizes_that_are_none_are_told(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        data_plane.main(["--rows", text])
    assert "expected positive numbers" in capsys.readouterr().err


def test_the_plain_tokenizer_gives_berts_tokens() -> None:
    pytest.importorskip("tensorflow")
    from benchmarks.data_plane_plain import token_ids

    ids = {token: index for index, token in enumerate(VOCABULARY)}
    found = [VOCABULARY[index] for index in token_ids("Café, film!", ids, 10)]
    assert found[0] == "[CLS]"
    assert "[SEP]" in found
    assert found[-1] == "[PAD]"
    assert len(found) == 10
