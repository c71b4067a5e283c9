"""`modules.datasets.driving` and `.highway`: what a camera sees, rows of a seed, and what is said where it fails."""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from modules.datasets import base as datasets
from modules.datasets import driving, highway
from modules.machine.packages import PackageError

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from pipeline.cli.collect import collect

DARK = 40  # cars are darker than road, sky and lines


def _seen(others: Sequence[tuple[float, float, float, float]]) -> np.ndarray:
    shot = highway.picture(list(others), highway.LANE * 1.5, 1.0, np.zeros((highway.HEIGHT, highway.WIDTH)))
    return np.frombuffer(shot, np.uint8).reshape(highway.HEIGHT, highway.WIDTH)


def test_a_nearer_car_is_larger_and_one_to_the_right_stands_to_the_right() -> None:
    near, far = (_seen([(ahead, 0.0, 2.0, 1.0)]) < DARK for ahead in (10.0, 40.0))
    assert near.sum() > 4 * far.sum() > 0
    middle = highway.WIDTH / 2
    assert abs(np.nonzero(near)[1].mean() - middle) < 1
    assert np.nonzero(_seen([(10.0, highway.LANE, 2.0, 1.0)]) < DARK)[1].min() > middle
    assert not (_seen([(-20.0, 0.0, 2.0, 1.0), (500.0, 0.0, 2.0, 1.0)]) < DARK).any(), "behind, and beyond sight"


class _Car:
    LENGTH, WIDTH = 5.0, 2.0

    def __init__(self, place: float, lane: int, speed: float) -> None:
        self.position, self.speed = np.array([place, lane * highway.LANE]), speed
        self.velocity, self.crashed = np.array([speed, 0.0]), False


class _Road:
    """Two cars that go on as they are, and crash where one is upon the other."""

    def __init__(self, gap: float) -> None:
        self.vehicles = [_Car(0.0, 1, 0.0), _Car(gap, 1, 20.0)]

    def act(self) -> None:
        """Nobody does anything."""

    def step(self, seconds: float) -> None:
        for car in self.vehicles:
            car.position[0] += car.speed * seconds
        own, other = self.vehicles
        own.crashed = own.position[0] + own.LENGTH > other.position[0]


def _episode(gap: float, number: int = 0) -> list[dict[str, Any]]:
    road = _Road(gap)
    env = SimpleNamespace(road=road, vehicle=road.vehicles[0], reset=lambda seed: None)
    nothing = np.full((highway.CELLS, 2), highway.RANGE)
    return highway.episode(env, SimpleNamespace(trace=lambda *_: nothing), 3, number)


def test_a_moment_is_a_crash_where_one_comes_within_the_horizon() -> None:
    moments = _episode(gap=60.0)
    speed = moments[0]["speed"]
    seconds = (60.0 - _Car.LENGTH) / (speed - 20.0)  # until the one is upon the other
    labels = [found["label"] for found in moments]
    assert labels == sorted(labels), "clear at first, then the crash comes nearer"
    assert abs(labels.count("clear") * 0.6 - max(0.0, seconds - highway.HORIZON)) < 0.9
    assert {found["label"] for found in _episode(gap=10_000.0)} == {"clear"}
    assert moments[0]["lidar"][0] == [highway.RANGE, 0.0], "no echo has no speed"
    assert _episode(60.0) == moments, "the same seed and number"
    assert _episode(60.0, number=1)[0]["photo"] != moments[0]["photo"]


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """In place of the simulator: two moments a drive; what was asked of it."""
    asked: list[list[str]] = []

    def done(words: list[str]) -> str:
        asked.append(words)
        seed, first, last = words[-3:]
        return "".join(
            json.dumps({"photo": base64.b64encode(bytes(highway.HEIGHT * highway.WIDTH)).decode(), "speed": 30.5,
                        "episode": f"{seed}-{number}", "lidar": [[60.0, 0.0]] * 32, "label": "clear"}) + "\n"
            for number in range(int(first), int(last)) for _ in range(2)
        )  # fmt: skip

    monkeypatch.setattr(driving, "simulator", lambda: Path("python"))
    monkeypatch.setattr(driving, "_done", done)
    return asked


def test_collect_writes_so_many_drives_of_a_seed_in_their_order(simulated: list[list[str]], tmp_path: Path) -> None:
    done = CliRunner().invoke(collect, ["driving", "--seed", "18", "--count", "30", "--into", str(tmp_path / "more")])
    assert done.exit_code == 0, done.output
    file = tmp_path / "more" / "driving-18-30.csv"
    assert done.output == f"{file}: 60 rows of 30 drives\n"
    rows = list(csv.DictReader(file.open(encoding="utf-8", newline="")))
    assert [row["episode"] for row in rows[::2]] == [f"18-{number}" for number in range(30)]
    assert Image.open(io.BytesIO(base64.b64decode(rows[0]["photo"]))).size == (highway.WIDTH, highway.HEIGHT)
    assert np.shape(json.loads(rows[0]["lidar"])) == (highway.CELLS, 2)


@pytest.mark.parametrize(("words", "told"), [
    (["films", "--seed", "1", "--count", "1", "--into", "x"], "'films' is no simulation; there are: driving"),
    (["driving", "--seed", "1"], "Give --seed N, --count N (drives) and --into FOLDER"),
    (["--seed", "1"], "--seed and --count are of a simulation"),
])  # fmt: skip
def test_collect_says_what_a_simulation_needs(words: list[str], told: str) -> None:
    done = CliRunner().invoke(collect, words)
    assert done.exit_code
    assert told in " ".join(str(done.exception).split() + done.output.split())


def test_a_simulator_that_cannot_be_installed_leaves_no_file_and_says_why(
    tmp_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        code = 1 if "pip" in words else 0
        return subprocess.CompletedProcess(words, code, "", "no matching distribution")

    monkeypatch.setattr(subprocess, "run", failed)
    with pytest.raises(PackageError, match="no matching distribution\nThe simulator highway-env needs the package"):
        datasets.csv_file("driving")
    assert not list(tmp_cache.rglob("rows.csv"))
    assert not list(tmp_cache.rglob("installed")), "the next call tries again"
    assert dataclasses.is_dataclass(datasets.DATASETS["driving"].simulation)
