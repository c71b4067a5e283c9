"""A push is followed: probed, tried, swapped without a lost request, refused where it answers otherwise."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from edgeline_serving import metrics
from edgeline_serving.backends.base import Answer, Backend, Column, Row
from edgeline_serving.errors import ProbeError, VersionError
from edgeline_serving.settings import Limits, Settings, Source, Trial
from edgeline_serving.versions import probes
from edgeline_serving.versions.deployment import Deployment, Loaded
from edgeline_serving.versions.follower import Follower, Watch
from edgeline_serving.versions.push_folder import PushFolder
from tests.conftest import TEXTS, expected, make_bundle, point_latest, push, serving

COOLER: dict[str, Any] = {"calibration": {"temperature": 3.0}}  # the same labels, other scores


def follower(
    folder: Path, *, clock: Callable[[], float] = time.monotonic, pinned: str | None = None, **changed: Any
) -> Follower:
    source = Source("edge", folder, pinned=pinned)
    found = Follower(PushFolder(source), Settings(sources=(source,), **changed), Deployment(clock), clock)
    found.start()
    return found


def live(found: Follower) -> str | None:
    return found.deployment.live.number if found.deployment.live else None


def test_the_version_that_latest_names_is_served_and_its_move_is_followed_both_ways(pushed: Path) -> None:
    push(pushed, "101", **COOLER)
    point_latest(pushed, "100")
    (pushed / ".102.partial").mkdir()
    found = follower(pushed)
    assert live(found) == "100"
    point_latest(pushed, "101")
    found.tick()
    assert live(found) == "101"
    point_latest(pushed, "100")
    found.tick()
    assert live(found) == "100", "a pointer that is set back is a rollback"


def test_without_latest_the_newest_version_is_meant_and_a_pinned_one_stays(pushed: Path) -> None:
    (pushed / "latest").unlink()
    pinned, newest = follower(pushed, pinned="100"), follower(pushed)
    push(pushed, "1000")
    (pushed / "latest").unlink()
    for found in (pinned, newest):
        found.tick()
    assert (live(pinned), live(newest)) == ("100", "1000")
    with pytest.raises(VersionError, match="version 7 is not there; there are: 100, 1000"):
        follower(pushed, pinned="7")


def test_a_version_that_answers_its_probes_otherwise_is_refused_and_the_one_before_goes_on(
    pushed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answers = list(zip(TEXTS, expected(pushed / "100", TEXTS), strict=True))
    found = follower(pushed)
    push(pushed, "101", probes=answers, **COOLER)
    before = metrics.VERSIONS_REFUSED.labels("sentiment")._value.get()
    for _ in range(3):
        found.tick()
    assert live(found) == "100"
    assert metrics.VERSIONS_REFUSED.labels("sentiment")._value.get() == before + 1, "once: a push never changes"
    [told] = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert "version 101 is refused: probe 1 of 4: score is" in told
    assert "version 100 goes on answering" in told
    assert not any(text in told for text in TEXTS)
    push(pushed, "102", probes=answers)
    found.tick()
    assert live(found) == "102"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "model.tflite").write_bytes(b"no bundle"), "model.tflite"),
        (lambda folder: (folder / "model.tflite").unlink(), "model.tflite"),
        (lambda folder: (folder / "probes.jsonl").write_text('{"instance": "a"}\n'), "probes.jsonl:1: must be"),
        (lambda folder: (folder / "probes.jsonl").write_text("[" * 90_000), "probes.jsonl:1: must be"),
    ],
)
def test_a_damaged_version_is_refused(
    pushed: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], Any], said: str
) -> None:
    found = follower(pushed)
    damage(push(pushed, "101"))
    found.tick()
    assert live(found) == "100"
    assert said in caplog.text


def test_a_version_that_could_not_be_read_is_tried_again_later_and_later(pushed: Path) -> None:
    now = [0.0]
    found = follower(pushed, clock=lambda: now[0])
    whole = push(pushed, "101") / "model.tflite"
    content = whole.read_bytes()
    whole.write_bytes(content[:1000])
    found.tick()
    whole.write_bytes(content)
    found.tick()
    assert live(found) == "100", "a shared folder may need a moment"
    now[0] = 5.0
    found.tick()
    assert live(found) == "101"


def test_at_the_start_an_older_version_serves_where_the_newest_cannot(pushed: Path) -> None:
    (push(pushed, "101") / "model.tflite").write_bytes(b"")
    assert live(follower(pushed)) == "100"
    shutil.rmtree(pushed / "100")
    with pytest.raises(VersionError, match="none of its versions can be served"):
        follower(pushed)
    shutil.rmtree(pushed / "101")
    with pytest.raises(VersionError, match="nothing was pushed there yet"):
        follower(pushed)


def test_at_the_start_a_version_that_was_rolled_back_stays_so(pushed: Path) -> None:
    push(pushed, "101")
    push(pushed, "102")
    point_latest(pushed, "101")
    (pushed / "101" / "model.tflite").write_bytes(b"no bundle")
    assert live(follower(pushed)) == "100"


def test_probes_that_a_busy_machine_does_not_answer_refuse_no_version_for_good(
    pushed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Callable[[], bool]] = []

    class Slow(Fake):
        def submit(self, rows: Sequence[Row], stop: Callable[[], bool]) -> Future[list[Answer]]:
            asked.append(stop)
            return Future()

    monkeypatch.setattr(probes, "_SECONDS", 0.01)
    with pytest.raises(VersionError, match=r"were not answered in 0\.01 s") as raised:
        probes.check(Slow("a"), [], 0.1)
    assert not isinstance(raised.value, ProbeError), "which is refused for ever"
    assert asked[0](), "what nobody waits for ends"


def test_a_push_folder_that_is_gone_for_a_while_changes_nothing(pushed: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = follower(pushed)
    pushed.rename(pushed.with_name("away"))
    for _ in range(3):
        found.tick()
    assert live(found) == "100"
    assert caplog.text.count("cannot be read") == 1
    pushed.with_name("away").rename(pushed)
    push(pushed, "101")
    found.tick()
    assert live(found) == "101"


def test_a_probe_may_hold_what_looks_like_the_end_of_a_line(pushed: Path) -> None:
    text = "good\u2028film\u0085\n"
    [answer] = expected(pushed / "100", [text])
    push(pushed, "101", probes=[(text, answer)])
    (pushed / "101" / "probes.jsonl").write_text(
        json.dumps({"instance": text, "prediction": answer}, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    assert live(follower(pushed)) == "101"


def test_a_version_that_was_copied_elsewhere_knows_its_number(pushed: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(pushed / "100", models)
    assert live(follower(models)) == "1"
    (models / "assets.extra").mkdir()
    (models / "assets.extra" / "edgeline.json").write_text('{"version": "1795661818"}')
    assert live(follower(models)) == "1795661818"


def test_requests_go_on_while_versions_are_swapped_and_each_gets_one_versions_answer(pushed: Path) -> None:
    push(pushed, "101", **COOLER)
    allowed = {v: expected(pushed / v, TEXTS[:1])[0]["score"] for v in ("100", "101")}
    wrong: list[Any] = []
    seen: set[str] = set()
    done = threading.Event()
    with serving(Source("edge", pushed), threads=2) as server:

        def ask() -> None:
            while not done.is_set():
                body = {"instances": TEXTS[:1]}
                status, answer, headers = server.call("POST", "/v1/models/sentiment:predict", body)
                version = headers.get("x-model-version", "")
                seen.add(version)
                if status != 200 or answer["predictions"][0]["score"] != allowed[version]:
                    wrong.append((status, version, answer))

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        for version in ("100", "101") * 2:
            point_latest(pushed, version)
            server.followers[0].tick()
            time.sleep(0.1)
        done.set()
        for client in clients:
            client.join()
    assert not wrong
    assert seen == {"100", "101"}


class Fake(Backend):
    """Answers at once, or fails."""

    platform, task, labels, columns = "fake", "sentiment", ("a", "b"), (Column("text"),)

    def __init__(self, label: str = "a", error: Exception | None = None) -> None:
        self.label, self.error, self.closed = label, error, False

    def submit(self, rows: Sequence[Row], stop: Callable[[], bool]) -> Future[list[Answer]]:
        future: Future[list[Answer]] = Future()
        if self.error:
            future.set_exception(self.error)
        else:
            future.set_result([{"label": self.label, "score": 1.0, "scores": {"a": 0.0, "b": 0.0}} for _ in rows])
        return future

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def chances() -> Iterator[float]:
    return iter([n / 100 for n in range(100)] * 10)


def two(trial: Trial, clock: list[float], chances: Iterator[float]) -> tuple[Deployment, Loaded, Loaded]:
    deployment = Deployment(lambda: clock[0], lambda: next(chances))
    old, new = Loaded("1", Fake()), Loaded("2", Fake())
    deployment.swap(old)
    deployment.put_to_trial(new, trial)
    return deployment, old, new


def test_a_canary_answers_its_share_and_takes_over_when_its_time_is_up(
    clock: list[float], chances: Iterator[float]
) -> None:
    deployment, old, new = two(Trial(canary=0.1, seconds=60), clock, chances)
    routes = [deployment.route() for _ in range(200)]
    canaries = [route for route in routes if route and route.answering is new]
    assert len(canaries) == 20
    assert all(route.instead is old for route in canaries)
    clock[0] = 61
    assert deployment.judge() is None, "without an answer it has shown nothing"
    deployment.tried(new, ok=True)
    assert deployment.judge() == (new, "")
    assert deployment.live is new
    assert not old.backend.closed, "requests still hold it"
    for route in routes:
        route.done()
    assert old.backend.closed
    assert not new.backend.closed


def test_a_clock_that_jumps_neither_ends_a_trial_nor_keeps_it(pushed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = follower(pushed, trial=Trial(canary=0.5, seconds=3600))
    push(pushed, "101", **COOLER)
    found.tick()
    trying = found.deployment.trying
    assert trying
    found.deployment.tried(trying.version, ok=True)
    now = time.time()
    for jump in (-1e8, 1e8):  # years, of the clock on the wall
        monkeypatch.setattr(time, "time", lambda jump=jump: now + jump)
        found.tick()
        assert (live(found), found.deployment.trying) == ("100", trying)


def test_a_canary_that_fails_once_is_out(clock: list[float], chances: Iterator[float]) -> None:
    deployment, old, new = two(Trial(canary=0.5, seconds=60), clock, chances)
    deployment.tried(new, ok=True)
    deployment.tried(new, ok=False)
    assert deployment.judge() == (new, "it failed on a request after 1 answers")
    assert deployment.live is old
    assert new.backend.closed


def test_a_shadow_is_judged_by_its_agreement(clock: list[float], chances: Iterator[float]) -> None:
    deployment, old, new = two(Trial(shadow=True, seconds=60, agreement=0.9), clock, chances)
    route = deployment.route()
    assert route
    assert (route.answering, route.shadow) == (old, new)
    route.done()
    deployment.tried(new, ok=True, compared=100, agreed=89)
    clock[0] = 61
    assert deployment.judge() == (new, "89.0% of 100 rows agree, wanted 90.0%")
    deployment.put_to_trial(new, Trial(shadow=True, seconds=60, agreement=0.9))
    deployment.tried(new, ok=True, compared=100, agreed=90)
    clock[0] = 200
    assert deployment.judge() == (new, "")


def test_a_failing_canary_costs_no_request_and_is_refused_for_good(pushed: Path) -> None:
    with serving(Source("edge", pushed), trial=Trial(canary=1.0)) as server:
        [found] = server.followers
        push(pushed, "101")
        found.tick()
        assert found.deployment.trying
        found.deployment.trying.version.backend.submit = Fake(error=MemoryError("secret")).submit  # type: ignore
        status, answer, headers = server.call("POST", "/v1/models/sentiment:predict", {"instances": TEXTS[:1]})
        assert (status, headers["x-model-version"]) == (200, "100")
        assert answer["predictions"] == expected(pushed / "100", TEXTS[:1])
        for _ in range(2):
            found.tick()
        assert (live(found), found.deployment.trying) == ("100", None)


def test_a_shadow_is_compared_and_never_returned(pushed: Path) -> None:
    with serving(Source("edge", pushed), trial=Trial(shadow=True, seconds=0.2)) as server:
        [found] = server.followers
        push(pushed, "101", **COOLER)
        found.tick()
        for _ in range(5):
            assert (
                server.call("POST", "/v1/models/sentiment:predict", {"instances": TEXTS})[2]["x-model-version"] == "100"
            )
        time.sleep(0.4)
        trying = found.deployment.trying
        assert trying
        assert (trying.counts.compared, trying.counts.agreed) == (20, 20), "a temperature moves no label"
        found.tick()
        assert live(found) == "101"


def test_a_version_that_is_taken_back_while_on_trial_is_given_up(pushed: Path) -> None:
    found = follower(pushed, trial=Trial(canary=0.1))
    push(pushed, "101")
    found.tick()
    assert found.deployment.trying
    point_latest(pushed, "100")
    found.tick()
    assert (live(found), found.deployment.trying) == ("100", None)


def test_work_that_takes_too_long_is_answered_503_and_ends(pushed: Path) -> None:
    ended = threading.Event()

    class Slow(Fake):
        def submit(self, rows: Sequence[Row], stop: Callable[[], bool]) -> Future[list[Answer]]:
            future: Future[list[Answer]] = Future()

            def work() -> None:
                while not stop():
                    time.sleep(0.01)
                ended.set()
                future.cancel()

            threading.Thread(target=work).start()
            return future

    with serving(Source("edge", pushed), limits=Limits(seconds=0.2)) as server:
        server.followers[0].deployment.swap(Loaded("9", Slow()))
        status, answer = server.predict("good film")
        assert (status, answer) == (503, {"error": "more than 0.2 s of work; ask for less at once"})
        assert ended.wait(5)


def test_the_watch_follows_by_itself_and_survives_a_fault(pushed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = follower(pushed)
    faults = iter([RuntimeError("a fault of ours")])
    judge = found.deployment.judge

    def faulty(*_: Any) -> Any:
        for fault in faults:
            raise fault
        return judge()

    monkeypatch.setattr(found.deployment, "judge", faulty)
    watch = Watch([found], 0.02)
    watch.start()
    make_bundle(pushed / "2.partial" / "model.tflite")
    push(pushed, "101")
    for _ in range(200):
        time.sleep(0.02)
        if live(found) == "101":
            break
    watch.stop()
    assert live(found) == "101"
