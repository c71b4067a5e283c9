"""Who is told: Alertmanager, a webhook, Prometheus; and the page."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import modules  # noqa: F401

import pytest
import yaml
from prometheus_client import generate_latest

from pipeline.config.loader import ConfigError
from pipeline.traffic.page import page
from pipeline.traffic.rules import RULES
from pipeline.traffic.service import PAGE, Service, serve
from pipeline.traffic.sinks.dashboard import dashboard
from pipeline.traffic.sinks.metrics import GAUGES, PREFIX, Metrics
from pipeline.traffic.sinks.rule_file import rule_file
from pipeline.traffic.state import State
from tests import served
from tests.served import LENGTH, START, Clock, looked, window


class Told(http.server.ThreadingHTTPServer):
    """Takes JSON by POST; answers with the statuses in `answers`, then with 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.got: list[tuple[str, Any, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Told

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 200:
            self.server.got.append((self.path, content, dict(self.headers)))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def hook() -> Iterator[Told]:
    with Told() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def service(folder: Path, log: Path, clock: Clock, *overrides: str) -> Service:
    folder.mkdir(exist_ok=True)
    made = Service(served.config(*overrides), served.reference(), folder, str(log), every=1)
    made.monitor._clock = clock
    return made


def test_a_secret_that_stands_in_the_webhooks_headers_is_refused() -> None:
    with pytest.raises(ConfigError, match="Authorization is a secret, which must not stand here"):
        served.config("monitor.sinks.webhook={url: 'https://a.example', headers: {Authorization: Bearer abc}}")


def test_a_webhook_is_told_each_change_once_with_its_secret_and_again_after_a_failure_and_a_restart(
    tmp_path: Path, hook: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "s3cret-token")
    options = (f"monitor.sinks.webhook.url={hook.url}/x", "monitor.sinks.webhook.attempts=2",
               "monitor.sinks.webhook.headers={Authorization: 'Bearer ${HOOK_TOKEN}'}")  # fmt: skip
    folder, log = tmp_path / "m", tmp_path / "log.jsonl"
    served.write(log, window(0, 10))
    clock = Clock(START + 2 * LENGTH + 6)
    hook.answers = [503, 503]
    _, [change], [problem] = service(folder, log, clock, *options).look()
    assert (change.state, change.alert.rule) == ("firing", "silence")
    assert problem == "webhook: answered with 503, after 2 attempts"
    assert len(State.read(folder).outbox["webhook"]) == 1
    hook.answers = [503]
    assert service(folder, log, clock, *options).look()[1:] == ([], [])
    served.write(log, window(2, 10))
    clock.now += LENGTH
    made = service(folder, log, clock, *options)
    made.look()
    made.look()
    assert [content["state"] for _, content, _ in hook.got] == ["firing", "resolved"]
    path, content, headers = hook.got[0]
    assert (path, headers["Authorization"]) == ("/x", "Bearer s3cret-token")
    assert (content["task"], content["model"], content["rule"], content["severity"]) == (
        "sentiment", "server/7", "silence", "critical",
    )  # fmt: skip
    assert len({content["id"] for _, content, _ in hook.got}) == 2
    assert "s3cret" not in (folder / "state.json").read_text(encoding="utf-8")


def test_a_webhook_that_refuses_is_not_asked_again_at_once(tmp_path: Path, hook: Told) -> None:
    folder, log = tmp_path / "m", tmp_path / "log.jsonl"
    served.write(log, window(0, 10))
    hook.answers = [400]
    made = service(folder, log, Clock(START + 2 * LENGTH + 6), f"monitor.sinks.webhook.url={hook.url}")
    assert made.look()[2] == ["webhook: refused with 400: "]
    assert not hook.answers
    assert made.look()[2] == []
    assert len(hook.got) == 1


def test_a_secret_that_is_missing_and_one_that_is_written_down_are_told(tmp_path: Path) -> None:
    folder, log = tmp_path / "m", tmp_path / "log.jsonl"
    served.write(log, window(0, 10))
    made = service(folder, log, Clock(START + 2 * LENGTH + 6), "monitor.sinks.webhook.url=http://x/${NOT_THERE_X}")
    assert "the environment variable NOT_THERE_X is not set" in made.look()[2][0]
    with pytest.raises(ConfigError, match="must not stand in a configuration"):
        served.config("monitor.sinks.alertmanager.url=http://me:pass@host:9093")


def test_alertmanager_is_told_what_fires_at_each_look_and_once_that_it_is_over(tmp_path: Path, hook: Told) -> None:
    folder, log = tmp_path / "m", tmp_path / "log.jsonl"
    served.write(log, window(0, 10))
    clock = Clock(START + 2 * LENGTH + 6)
    made = service(folder, log, clock, f"monitor.sinks.alertmanager.url={hook.url}/")
    made.look()
    made.look()
    served.write(log, window(2, 10))
    clock.now += LENGTH
    made.look()
    made.look()
    assert [path for path, *_ in hook.got] == ["/api/v2/alerts"] * 3
    [[first], [again], [over]] = [content for _, content, _ in hook.got]
    assert first["labels"] == {
        "alertname": "EdgelineSilence", "task": "sentiment", "rule": "silence", "severity": "critical",
    }  # fmt: skip
    assert first["labels"] == again["labels"] == over["labels"]
    assert first["startsAt"] < over["endsAt"] < first["endsAt"]


def test_prometheus_gets_the_newest_window_and_each_alert(tmp_path: Path) -> None:
    folder, log = tmp_path / "m", tmp_path / "log.jsonl"
    served.write(log, window(0, 50, 0.4))
    clock = Clock(START + LENGTH + 6)
    made = service(folder, log, clock)
    made.look()
    text = generate_latest(made.metrics.registry).decode()
    assert f'{PREFIX}_window_label_share{{label="negative",slice="source:web",task="sentiment"}} 0.4' in text
    assert f'{PREFIX}_alert_firing{{rule="silence",series="",severity="",task="sentiment"}} 0.0' in text
    clock.now += 2 * LENGTH
    made.look()
    text = generate_latest(made.metrics.registry).decode()
    assert f'{PREFIX}_alert_firing{{rule="silence",series="",severity="critical",task="sentiment"}} 1.0' in text
    assert f'{PREFIX}_alert_firing{{rule="silence",series="",severity="",task="sentiment"}}' not in text
    assert "window_label_share{" not in text  # nothing was served in the newest window


def test_rules_and_dashboard_name_metrics_that_there_are() -> None:
    config = served.config("monitor.rules.prior.enabled=false")
    rules, board = rule_file(config), dashboard(config)
    found = yaml.safe_load(rules)["groups"][0]["rules"]
    assert {item["alert"] for item in found} >= {f"Edgeline{name.capitalize()}" for name in RULES if name != "prior"}
    assert "EdgelinePrior" not in rules
    named = set(re.findall(rf"{PREFIX}_(\w+)", rules + board))
    assert named
    assert named <= set(GAUGES)
    assert Metrics().registry
    for panel in json.loads(board)["panels"]:
        for target in panel["targets"]:
            assert target["expr"].count("{") == target["expr"].count("}")
            assert "{{{" not in target["legendFormat"]


def test_a_models_name_is_a_name_in_the_rules_and_no_pattern() -> None:
    rules = rule_file(served.config('monitor.models=["films.v1", "a+b"]'))
    assert r'{model=~"films\\.v1|a\\+b"}' in rules


def test_the_page_is_one_file_that_shows_every_section_and_lets_no_text_become_markup(tmp_path: Path) -> None:
    folder, log = tmp_path / "m", tmp_path / "log.jsonl"
    for number in range(6):
        served.write(log, window(number, 60, source="<script>alert(1)</script>"))
    made = service(folder, log, Clock(START + 8 * LENGTH + 6))
    made.look()
    made.draw()
    text = (folder / PAGE).read_text(encoding="utf-8")
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "1 alert firing" in text
    for name in ("volume", "latency", "labels-0", "confidence", "quality-accuracy"):
        assert f'id="plot-{name}"' in text
    assert "default-src &#39;none&#39;" in text  # what Plotly's own code names is never loaded
    empty = looked(tmp_path / "empty", tmp_path / "none", Clock())
    assert "No window was closed yet." in page(empty.status(), [], served.reference())


def test_a_service_tells_a_problem_once_goes_on_after_a_failed_look_and_takes_up_another_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = service(tmp_path / "m", tmp_path / "log.jsonl", Clock())
    said: list[str] = []
    looks = iter(range(4))

    def renewed() -> Any:
        number = next(looks)
        if number == 1:
            raise OSError("the share is gone")
        return served.reference(model="server/8") if number == 2 else None

    def sleep(_: float) -> None:
        if len(list(said)) > 20:
            raise AssertionError("told again and again")

    with pytest.raises(StopIteration):
        serve(made, every=1, renewed=renewed, say=said.append, sleep=sleep)
    assert sum("no log yet" in line for line in said) == 2  # and again once it could be seen again
    assert sum("this look failed: the share is gone" in line for line in said) == 1
    assert "compared with server/8 now" in said
    assert made.monitor.status().model == "server/8"
