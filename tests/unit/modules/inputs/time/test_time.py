"""Times: the same numbers from the same text, in Transform's graph and on a device; and how samples of them differ."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.inputs.time.input import Time
from modules.inputs.time.statistics import compare, summarise
from modules.tensors import Column

import numpy as np
import pytest
import tensorflow as tf

from edgeline_edge.inputs.kinds import table

ODD = (
    "2024-02-29", "2023-02-29", "2024-05-03T14:30:00+02:00", "2024-05-03 14:30", "2024-05-03T14:30Z",
    "1999-12-31T23:59:59-11:30", "0999-12-31", "9999-12-31", "1714746600", "1714746600.5", "999999999", "20240503",
    "2024-13-01", "2024-00-10", "2024-01-32", "x", "", " 2024-05-03 ", "2024-05-03T24:00", "2024-05-03T14:30:00.123Z",
    "2024-05-03T14:30:00+0530", "2024-05-03T14:30:00+00", "2024-05-03t01:02:03z", "-1714746600", "100000000000",
    "2024-05-03T14:30:00 +02:00", "2024-05-03\n", "２０２４-05-03", "1900-02-29", "2000-02-29",
    "1000-01-01T00:00+14:00",
)  # fmt: skip


def drawn(count: int) -> list[str]:
    chance = random.Random(1)
    days = (datetime.datetime(1000, 1, 1), datetime.datetime(9998, 12, 31))
    span = int((days[1] - days[0]).total_seconds())
    zones = ("", "Z", "+05:45", "-09:30", "+14:00")
    found = [(days[0] + datetime.timedelta(seconds=chance.randrange(span))).isoformat() for _ in range(count)]
    return [text + chance.choice(zones) for text in found] + [str(chance.randrange(10**8, 10**11)) for _ in found]


@pytest.mark.parametrize("clock", ["utc", "local"])
def test_a_device_has_the_bits_of_the_graph_for_every_text(clock: str) -> None:
    part = Time.named("t", {"kind": "time", "column": "at", "clock": clock})
    [device] = table([{"name": "t", "kind": "time", "column": "at", "tensors": ["t_time"], **part.described()}])
    texts = [*ODD, *drawn(500)]
    made = part.features({"at": tf.constant(texts)})["t_time"].numpy()
    refused = []
    for text, row in zip(texts, made, strict=True):
        try:
            found = device.encode(text)["t_time"][0]
        except ValueError:
            refused.append(text)
            found = device.encode(None)["t_time"][0]
        assert found.tobytes() == row.tobytes(), text
        assert Column("at", "optional time").readable(text) == (text not in refused), text
    assert {"2023-02-29", "20240503", "x", "2024-05-03T24:00", "２０２４-05-03", "0999-12-31"} <= set(refused)
    assert not {"2024-02-29", "2024-05-03t01:02:03z", "1714746600.5", ""} & set(refused)


def test_places_are_those_of_pythons_calendar_in_utc_or_as_the_clock_is_written() -> None:
    texts = [text for text in drawn(200) if "-" in text]
    for clock in ("utc", "local"):
        part = Time.named("t", {"kind": "time", "column": "at", "clock": clock})
        made = part.features({"at": tf.constant(texts)})["t_time"].numpy()
        for text, row in zip(texts, made, strict=True):
            when = datetime.datetime.fromisoformat(text)
            if clock == "utc" and when.tzinfo:
                when = when.astimezone(datetime.UTC)
            minute, year = when.hour * 60 + when.minute, when.timetuple().tm_yday - 1
            turns = [minute / 1440, when.weekday() / 7, year / 366]
            expected = [of(2 * np.pi * turn) for turn in turns for of in (np.sin, np.cos)]
            np.testing.assert_allclose(row, [*expected, 0.0], atol=1e-6, err_msg=text)


def test_numbers_dates_and_datetimes_are_times_of_a_device() -> None:
    part = Time.named("t", {"kind": "time", "column": "at"})
    [device] = table([{"name": "t", "kind": "time", "column": "at", "tensors": ["t_time"], **part.described()}])
    when = datetime.datetime(2024, 5, 3, 14, 30, tzinfo=datetime.UTC)
    expected = device.encode("2024-05-03T14:30Z")["t_time"].tolist()
    for same in (when, 1714746600, 1714746600.0, np.int64(1714746600), "2024-05-03T16:30+02:00"):
        assert device.encode(same)["t_time"].tolist() == expected
    assert device.encode(datetime.date(2024, 5, 3))["t_time"].tolist() == device.encode("2024-05-03")["t_time"].tolist()
    assert device.encode(float("nan"))["t_time"].tolist() == [[0, 0, 0, 0, 0, 0, 1]]
    with pytest.raises(TypeError, match="at must be a time or None, is list"):
        device.encode([2024])
    for wrong in (12, 1e30, -5):
        with pytest.raises(ValueError, match="which is no time"):
            device.encode(wrong)


def test_other_hours_are_a_distance_and_other_months_are_not_judged(
    tmp_path: Path, write_examples: Callable[..., str]
) -> None:
    part = Time.named("t", {"kind": "time", "column": "at"})

    def profile(name: str, texts: list[str]) -> str:
        rows: list[dict[str, Any]] = [{"at": [text.encode()]} for text in texts]
        return summarise(part, [write_examples(tmp_path / name, rows)], label=None, sample=9).to_json()

    chance = random.Random(3)
    mornings = [f"2024-01-{chance.randint(1, 28):02d}T{chance.randint(6, 11):02d}:00" for _ in range(300)]
    later = [text.replace("2024-01", "2024-07") for text in mornings]
    nights = [*(text.replace("T0", "T2").replace("T1", "T2")[:-5] + "23:00" for text in mornings), *[""] * 100]
    found = {name: profile(name, rows) for name, rows in (("m", mornings), ("l", later), ("n", nights))}
    assert json.loads(found["n"])["missing"] == 100
    same = {item.feature: item.value for item in compare(found["l"], found["m"]).distances}
    assert same["hours"] == same["missing"] == 0.0
    assert same["months"] > 0.9
    other = {item.feature: item.value for item in compare(found["n"], found["m"]).distances}
    assert other["hours"] > 0.5
    assert other["missing"] == pytest.approx(0.25)
    assert part.part("bounds")().months is None
