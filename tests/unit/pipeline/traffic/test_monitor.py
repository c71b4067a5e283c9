"""The monitor over a log: windows, alerts, kills, clocks."""

from __future__ import annotations

import contextlib
import json
import random
from pathlib import Path

import pytest

from pipeline.traffic import state as states
from pipeline.traffic.reference import Reference, ReferenceError
from pipeline.traffic.state import State
from pipeline.traffic.status import Status
from tests import served
from tests.served import LENGTH, START, Clock, looked, told, window


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "requests-00000001.jsonl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "monitor"


def test_a_window_closes_after_its_grace_and_says_what_was_served(log: Path, folder: Path) -> None:
    served.write(log, window(0, 50, 0.4))
    clock = Clock(START + LENGTH + 4)
    assert looked(folder, log, clock).state.history == []
    clock.now += 2
    [closed] = looked(folder, log, clock).state.history
    assert (closed.rows, closed.requests, closed.errors) == (50, 50, 0)
    assert closed.labels[""] == {"negative": 20, "positive": 30}
    assert closed.labels["source:web"] == closed.labels[""]
    assert closed.milliseconds == {"p50": 5.0, "p95": 5.0, "p99": 5.0}
    assert closed.confidence == pytest.approx(0.75)
    assert closed.entropy == pytest.approx(0.8113, abs=1e-4)
    assert closed.estimate["value"] == pytest.approx(0.75, abs=0.03)
    assert closed.versions == {"7": 50}


def test_a_surge_fires_within_one_window_in_its_slice_and_is_resolved(log: Path, folder: Path) -> None:
    for number in range(12):
        for source, rows, share in (("web", 400, 0.3), ("app", 200, 0.6 if number == 10 else 0.3)):
            served.write(log, sorted(window(number, rows, share, source=source, **{"served.request_id": source})))
    clock = Clock(START + 10 * LENGTH + 6)
    assert told(looked(folder, log, clock)) == {}
    clock.now += LENGTH
    fires = told(looked(folder, log, clock))
    assert "surge negative source:app" in fires
    assert "surge negative source:web" not in fires
    assert fires["surge negative source:app"].value == pytest.approx(0.6)
    assert "60.0% of 200 rows of source:app are 'negative'; 30.0% were" in fires["surge negative source:app"].message
    for number in (12, 13):
        for source, rows in (("web", 400), ("app", 200)):
            served.write(log, window(number, rows, 0.3, source=source))
    clock.now += LENGTH
    assert "surge negative source:app" in told(looked(folder, log, clock))  # one calm window is no recovery
    clock.now += LENGTH
    assert told(looked(folder, log, clock)) == {}


def test_a_monitor_that_is_killed_at_any_time_counts_each_row_once(
    log: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log grows by pieces of lines, files change, and every other look dies while it writes its state."""
    rng = random.Random(4)
    text = "".join(f"{line}\n" for number in range(6) for line in window(number, 40))
    clock, place, file = Clock(), 0, 1
    real = states.write_whole

    def dies(path: Path, content: str) -> None:
        if rng.random() < 0.5:
            raise KeyboardInterrupt
        real(path, content)

    while place < len(text):
        step = rng.randint(1, 6_000)
        if rng.random() < 0.3 and text[place - 1] == "\n":
            file += 1
        served.write(log.with_name(f"requests-{file:08}.jsonl"), [text[place : place + step]], end="")
        place += step
        clock.now = START + LENGTH * 6 * min(place, len(text)) / len(text) + 3
        monkeypatch.setattr(states, "write_whole", dies)
        with contextlib.suppress(KeyboardInterrupt):
            looked(folder, log.parent, clock)
        monkeypatch.setattr(states, "write_whole", real)
    clock.now = START + 7 * LENGTH
    made = looked(folder, log.parent, clock)
    assert [closed.rows for closed in made.state.history] == [40] * 6
    assert made.status().problems == ()


def test_silence_is_longer_than_what_came_twice_before_and_ends_with_the_first_row(log: Path, folder: Path) -> None:
    clock = Clock(START + 12 * LENGTH + 6)
    for number in (0, 1, 4, 5, 8, 9):  # two in a row were empty, twice
        served.write(log, window(number, 10))
    assert told(looked(folder, log, clock)) == {}
    clock.now += LENGTH
    [name] = told(looked(folder, log, clock))
    assert name == "silence"
    served.write(log, window(13, 10))
    clock.now += LENGTH
    assert told(looked(folder, log, clock)) == {}


def test_months_without_a_row_are_not_gone_through_window_by_window(log: Path, folder: Path) -> None:
    served.write(log, window(0, 10))
    made = looked(folder, log, Clock(START + 5_000 * LENGTH))
    assert made.state.number <= 42
    assert [told(made)["silence"].value > 1] == [True]
    assert any("windows without a row are left out" in item for item in made.status().problems) or made.state.number > 2
    assert made.state.open == pytest.approx(START + 4_999 * LENGTH, abs=LENGTH)


def test_rows_of_a_clock_that_is_wrong_are_counted_and_told_and_hold_nothing_up(log: Path, folder: Path) -> None:
    lines = window(0, 10)
    lines.insert(5, served.row(START + 1e9, "future"))
    lines.insert(6, served.row(START - 5_000, "past"))
    served.write(log, lines)
    clock = Clock(START + LENGTH / 2)
    looked(folder, log, clock)  # opens at the first row
    clock.now = START + LENGTH + 6
    made = looked(folder, log, clock)
    rows = sum(closed.rows for closed in made.state.history)
    assert rows == 12
    assert any("of a time that has not come" in item for item in made.status().problems)


def test_a_clock_that_goes_back_begins_where_it_is_and_loses_no_row(log: Path, folder: Path) -> None:
    served.write(log, window(0, 10))
    clock = Clock(START + 50 * LENGTH)
    looked(folder, log, clock)
    clock.now = START + 3 * LENGTH
    served.write(log, window(3, 10))
    made = looked(folder, log, clock)
    assert any("the clock went back by" in item for item in made.status().problems)
    clock.now = START + 4 * LENGTH + 6
    made = looked(folder, log, clock)
    assert made.state.rows == 20


def test_a_log_that_is_not_there_and_rows_of_another_model_are_told(tmp_path: Path, folder: Path) -> None:
    made = looked(folder, tmp_path / "log", Clock())
    [problem] = made.status().problems
    assert "no log yet; `edgeline-serving --log FOLDER` writes one" in problem
    served.write(tmp_path / "log" / "a.jsonl", window(0, 10, **{"served.model": "other"}))
    made = looked(folder, tmp_path / "log", Clock(START + 2 * LENGTH))
    assert (
        "no row of the log is of sentiment or sentiment-edge, but of other (monitor.models)" in made.status().problems
    )


def test_broken_lines_are_told_until_the_next_window(log: Path, folder: Path) -> None:
    served.write(log, [*window(0, 10), "broken"])
    clock = Clock(START + LENGTH + 6)
    [problem] = looked(folder, log, clock).status().problems
    assert problem.startswith("1 lines of the log are broken, the first one is ")
    served.write(log, window(1, 10))
    clock.now += LENGTH
    assert looked(folder, log, clock).status().problems == ()


def test_two_monitors_do_not_share_one_state(folder: Path) -> None:
    with states.locked(folder), pytest.raises(states.BusyError, match="another monitor works there"), \
            states.locked(folder):  # fmt: skip
        pass


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99}', '{"format": 1, "history": [{}], "alerts": {}}'])
def test_a_damaged_state_is_told_and_not_overwritten(folder: Path, log: Path, content: str) -> None:
    folder.mkdir()
    (folder / states.STATE).write_text(content, encoding="utf-8")
    with pytest.raises(states.StateError, match="Move it aside"):
        looked(folder, log, Clock())
    assert (folder / states.STATE).read_text(encoding="utf-8") == content


def test_other_windows_are_not_compared_with_those_before(log: Path, folder: Path) -> None:
    served.write(log, [line for number in range(6) for line in window(number)])
    clock = Clock(START + 4 * LENGTH + 6)
    looked(folder, log, clock)
    clock.now += 2 * LENGTH
    made = looked(folder, log, clock, "monitor.window_seconds=200")
    assert [closed.end - closed.start for closed in made.state.history] == [200]
    assert made.state.rows == 6 * 60


def test_errors_and_late_answers_fire(log: Path, folder: Path) -> None:
    for number in range(6):
        served.write(log, window(number, 200, **{"served.milliseconds": 20.0 if number == 5 else 5.0}))
    failed = [json.loads(line) for line in window(5, 30)]
    for line in failed:
        for name in [name for name in line if "label" in name or "score" in name]:
            del line[name]
    served.write(log, [json.dumps({**line, "served.error": "the text is empty"}) for line in failed])
    fires = told(looked(folder, log, Clock(START + 6 * LENGTH + 6)))
    assert {"errors", "latency"} <= set(fires)
    assert fires["errors"].value == pytest.approx(30 / 230)
    assert fires["latency"].bound == 10.0


def test_the_status_is_what_others_read(log: Path, folder: Path) -> None:
    served.write(log, window(0, 10))
    made = looked(folder, log, Clock(START + 3 * LENGTH))
    found = Status.read(folder)
    assert found == made.status()
    assert found is not None
    assert (found.rows, [item.rule for item in found.firing]) == (10, ["silence"])
    assert Status.read(folder / "nowhere") is None
    values = json.loads((folder / "status.json").read_text(encoding="utf-8"))
    (folder / "status.json").write_text(json.dumps({**values, "later": 1}), encoding="utf-8")
    assert Status.read(folder) == found
    (folder / "status.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="`monitor --once` writes it anew"):
        Status.read(folder)


def test_hashed_texts_have_no_drift_and_that_is_told(log: Path, folder: Path) -> None:
    rows = [json.loads(line) for line in window(0, 10)]
    served.write(log, [json.dumps({name: value for name, value in row.items() if name != "text"}) for row in rows])
    made = looked(folder, log, Clock(START + LENGTH + 6), profiles={"text_profile.json": "{}"})
    assert made.state.history[0].drift == []
    assert "10 of 10 rows lack what the inputs read" in made.status().problems[0]


def test_the_state_is_small_and_has_no_text_of_a_request(log: Path, folder: Path) -> None:
    for number in range(60):
        served.write(log, window(number, 20))
    looked(folder, log, Clock(START + 60 * LENGTH + 6))
    text = (folder / states.STATE).read_text(encoding="utf-8")
    assert "a film" not in text
    assert len(State.read(folder).history) == 40
    assert len(text) < 60_000


@pytest.mark.parametrize("content", ["5", "[]", "{}", '{"format": 2}', "\xff"])
def test_what_is_no_reference_is_told_with_the_remedy(tmp_path: Path, content: str) -> None:
    file = tmp_path / "reference.json"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(ReferenceError, match=r"not the reference of a monitor .*`monitor reference` writes one"):
        Reference.read(file)


def test_half_of_a_surrogate_pair_in_a_row_does_not_end_the_monitor(log: Path, folder: Path, tmp_path: Path) -> None:
    odd = served.row(
        START + 50, "\ud800", text="\ud800 film \U0001f600", source="\ud800", **{"served.version": "\udfff"}
    )
    raw = served.row(START + 51, "raw", source="HERE").encode().replace(b"HERE", b"\xed\xa0\x80")
    served.write(log, [*window(0, 20), odd])
    with log.open("ab") as stream:
        stream.write(raw + b"\n")
    made = looked(folder, log, Clock(START + LENGTH + 6), f"monitor.labels.path={tmp_path}/none.csv")
    [closed] = made.state.history
    assert closed.rows == 22
    assert set(closed.labels) == {"", "source:web", "source:?"}
    assert State.read(folder).history == [closed]
