"""A fuzzer of configurations: whatever the file holds, it is read, or refused in a few lines that name the place.

Files and mutations come from a fixed seed; each has a few seconds, so that a hang is a failure.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config import loader

SEED, MUTATIONS = 31, 150
SECONDS = 5
BASE: dict[str, Any] = {
    "task": "hostile",
    "labels": ["a", "b"],
    "schema_path": "schemas/a.pbtxt",
    "data": {
        "path": "rows.csv", "columns": {"text": "t", "label": "l", "slices": ["s"]}, "splits": {"train": 8},
        "source": {"delimiter": ",", "sql": {"url": "sqlite:///a.db"}}, "cleaning": {"languages": ["en"]},
    },
    "backbone": {"kind": "scratch", "num_layers": 1},
    "trainer": {"epochs": 1, "seed": 1, "learning_rate": 0.1, "precision": "float32"},
    "tuner": {"space": [{"name": "dropout", "kind": "float", "min": 0.0, "max": 0.5}]},
    "evaluator": {
        "thresholds": {"accuracy": {"min": 0.5}}, "fairness": {"bounds": {"s": {"accuracy": {"max_gap": 1}}}},
    },
    "converter": {"recipes": ["float32"]},
    "profiles": {"quick": {"trainer": {"epochs": 1}}},
}  # fmt: skip
WORDS = (
    "{}", "[]", "null", "~", "true", "yes", "-1", "0", "1e20", "5", ".nan", ".inf", "-.inf", "1e-400", "0o7", "1:2:3",
    "0x" + "f" * 5000, "9" * 5000, "2026-01-02", "2024-13-45", '!!int ""', "!!timestamp x", "!!float a", "!!bool x",
    "!!binary x", "!!set {a}", "!!python/object:os.system x", "!mine x", "!!str", "!!null x", "!!omap [a]", "!!map x",
    '"a\\0b"', '"\\ud800"', '"\\U0001F600"', "''", "a" * 5000, "[[[[[[]]]]]]", "&x [*x]", "&x {a: *x}", "*nobody",
    "{1: a}", "{[a]: b}", "{a: 1, a: 2}", "{null: 1}", "{true: 1}", "[1, [2, [3]]]", "- a", "a: b: c", "? a", "%", "@a",
    "[" * 600 + "]" * 600, "{a: " * 600 + "}" * 600, "<<: {a: 1}", "{<<: [1]}", "{<<: 1}", "{<<: {a: 1}, <<: {b: 1}}",
    "../../../etc/passwd", "/dev/zero", "${HOME}", "file:/dev/zero", "postgresql://a:b@c/d", "| \n   a", "--- a", "...",
    "{" + ", ".join(f"no_{number}: 1" for number in range(50)) + "}",
)  # fmt: skip
LAUGHS = "\n".join(
    ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)), "task: *a11"]
)
MERGES = "\n".join(
    ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)), "task: *a11"]
)


@contextmanager
def within(seconds: int) -> Iterator[None]:
    def late(*_: Any) -> None:
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def paths(values: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    for key, value in (
        values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    ):
        yield from paths(value, (*here, key))


def mutated(chosen: random.Random) -> str:
    """The base with a strange value at a random place, or with its text damaged."""
    text = yaml.safe_dump(BASE, sort_keys=False)
    if chosen.random() < 0.3:
        place = chosen.randrange(len(text))
        return text[:place] + chosen.choice((*"\0\t\n{}[]:-?*&!|>%@`\"'#,\x85\ufeff", *WORDS)) + text[place + 1 :]
    place = chosen.choice([path for path in paths(BASE) if path])
    copy: Any = yaml.safe_load(text)
    inside = copy
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = "PLACEHOLDER"
    return yaml.safe_dump(copy, sort_keys=False).replace("PLACEHOLDER", chosen.choice(WORDS))


def check(file: Path, **options: Any) -> str:
    """The refusal, in at most ten lines; empty where the file is accepted, and then it can be stored and read again."""
    with within(SECONDS):
        try:
            config = loader.load(file, **options)
        except loader.ConfigError as error:
            message = str(error)
            lines = message.splitlines()
            assert 1 <= len(lines) <= 10, message
            assert all(len(line) <= 1000 for line in lines), message
            return message
        stored = file.with_name("stored.yaml")
        stored.write_text(loader.dump(config), encoding="utf-8")
        assert loader.load(stored) == config
        return ""


def test_any_mutation_is_read_or_refused_in_a_few_lines(tmp_path: Path, record_property: Any) -> None:
    record_property("faults", MUTATIONS)
    chosen, file = random.Random(SEED), tmp_path / "task.yaml"
    outcomes = []
    for _ in range(MUTATIONS):
        text = mutated(chosen)
        file.write_text(text, encoding="utf-8", errors="surrogatepass")
        outcomes.append(check(file, profile="quick") if "quick" in text else check(file))
    assert "" in outcomes, "no mutation was harmless"
    assert sum(map(bool, outcomes)) > MUTATIONS // 2


@pytest.mark.parametrize("word", WORDS)
def test_any_word_as_an_override_is_taken_or_refused(word: str, tmp_path: Path, record_property: Any) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(yaml.safe_dump(BASE), encoding="utf-8")
    fields = ("trainer.epochs", "data.path", "labels")
    record_property("faults", len(fields) + 1)
    for field in fields:
        check(file, overrides=(f"{field}={word}",))
    assert check(file, overrides=(f"{word}=1",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "more than 20,000 values, aliases written out"),
        (MERGES, "more than 20,000 values, aliases written out"),
        ("task: &a [*a]", ":1: an alias stands inside what it names"),
        ("task: " + "[" * 5000, ":1: nested too deeply"),
        ("a:\n" + "".join(f"{' ' * n}b:\n" for n in range(1, 600)), ":40: nested too deeply"),
        ('task: !!int ""', ":1: '' is no int"),
        ("task: !!timestamp x", ":1: the tag '!!timestamp' has no meaning here"),
        ("task: 0x" + "f" * 4300, "is no number that a setting has"),
        ('task: "a\\0b"', r"holds what no text and no path can hold"),
        ('task: "\\udc80"', r"holds what no text and no path can hold"),
        ("1: a", ":1: the key '1' is no text; put it into quotes"),
        ("a" * 600_000, "has more than 524,288 characters"),
    ],
)
def test_what_yaml_can_and_a_configuration_cannot_be_is_told_by_its_place(
    text: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(text, encoding="utf-8")
    assert message in check(file)


@pytest.mark.parametrize("name", ["", ".x", "a b", "a..b", "no.such.module", "a" * 5000, "broken_module"])
def test_an_extension_that_cannot_be_imported_is_told(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_module.py").write_text("def (", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "task.yaml"
    file.write_text(yaml.safe_dump({**BASE, "extensions": [name]}), encoding="utf-8")
    assert ": extensions: " in check(file)


def test_what_never_ends_is_not_read() -> None:
    assert "it is no file" in check(Path("/dev/zero"))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("evaluator.thresholds.accuracy.min=.nan", "finite number"),
        ("evaluator.thresholds.accuracy.min=5", "accuracy lies between 0 and 1"),
        ("evaluator.thresholds.accuracy.max=0.1", "above max, 0.1: no model could pass"),
        ("trainer.learning_rate=.inf", "finite number"),
        ("trainer.learning_rate=50", "less than or equal to 10"),
        ("trainer.seed=-1", "greater than or equal to 0"),
        ("trainer.epochs=1e20", "trainer.epochs: "),
        ("trainer.epochs=20000", "less than or equal to 10000"),
        ("data.source.sql.batch_rows=1e12", "less than or equal to 1000000"),
        ("data.cleaning.max_characters=1e17", "no setting is larger than 9007199254740992"),
        ("data.splits.train=1e300", "data.splits.train: "),
    ],
)
def test_numbers_that_no_training_takes_are_refused(override: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(yaml.safe_dump(BASE), encoding="utf-8")
    told = check(file, overrides=(override,))
    assert message in told
    assert override in told
