"""`local_runner.py data profile`: what is in a file, and a configuration that a first run can be made with."""

from __future__ import annotations

import csv
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import local_runner
from pipeline.config import loader
from pipeline.ingest.rows import DataError
from pipeline.local import preflight, session
from pipeline.profiling import columns, draft, roles, texts
from pipeline.profiling.profile import ColumnChoiceError, profile

_WORDS = [
    "the",
    "a",
    "film",
    "plot",
    "song",
    "actor",
    "was",
    "were",
    "really",
    "rather",
    "quite",
    "slow",
    "fast",
    "nice",
    "dull",
    "long",
    "short",
    "and",
    "but",
    "so",
]


def rows_of(count: int) -> list[dict[str, str]]:
    chance = random.Random(3)
    return [
        {
            "id": f"r{number}",
            "body": " ".join(chance.choices(_WORDS, k=chance.randint(6, 14))) + f" {number}.",
            "mood": chance.choice(("bad", "good", "good")),
            "shop": chance.choice(("north", "south")),
            "price": f"{chance.random():.3f}",
        }
        for number in range(count)
    ]


def write(path: Path, rows: list[dict[str, str]], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding=encoding)
    elif path.suffix == ".parquet":
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(rows), path)
    else:
        with path.open("w", encoding=encoding, newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    return path


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(local_runner.cli, ["data", "profile", *arguments], catch_exceptions=False)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def column(name: str, values: list[str]) -> columns.Column:
    counter = columns.ColumnCounter(name)
    for value in values:
        counter.add(value)
    return counter.column(len(values))


# What is in a file


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_every_format_gives_the_same_profile(tmp_path: Path, form: str) -> None:
    rows = rows_of(60)
    expected, found = (profile(write(tmp_path / f"rows.{item}", rows)) for item in ("csv", form))
    assert found["format"] == form
    for name in ("rows", "columns", "roles", "labels", "text", "malformed"):
        assert found[name] == expected[name]
    assert found["rows"] == 60
    assert found["roles"]["text"]["column"] == "body"
    assert found["roles"]["label"]["column"] == "mood"
    assert [item["column"] for item in found["roles"]["slices"]] == ["shop"]
    assert sum(found["labels"].values()) == 60


def test_columns_are_told_by_kind_missing_and_different_values(tmp_path: Path) -> None:
    rows = rows_of(40)
    rows[3]["price"] = rows[5]["price"] = ""
    found = {item["name"]: item for item in profile(write(tmp_path / "a.csv", rows))["columns"]}
    assert {name: item["kind"] for name, item in found.items()} == {
        "id": "text", "body": "text", "mood": "text", "shop": "text", "price": "number",
    }  # fmt: skip
    assert found["price"]["missing"] == 2
    assert found["id"]["distinct"] == 40
    assert found["shop"]["values"] == {
        value: sum(row["shop"] == value for row in rows) for value in sorted(found["shop"]["values"], key=lambda item: (
            -sum(row["shop"] == item for row in rows), item))
    }  # fmt: skip


def test_delimiter_and_encoding_are_found_and_written_down(here: Path) -> None:
    rows = rows_of(60)
    for row in rows:
        row["body"] = "Die Übergröße fällt schön aus, " + row["body"]
    write(here / "shop.csv", rows, ";", "cp1252")
    result = invoke("shop.csv", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["delimiter"], found["encoding"]) == (";", "cp1252")
    config = loader.load(here / "configs" / "shop.yaml")
    assert (config.data.source.delimiter, config.data.source.encoding) == (";", "cp1252")


def test_rows_that_cannot_be_read_are_counted_and_the_first_is_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", rows_of(30))
    path.write_text(path.read_text() + "only,three,fields\n")
    found = profile(path)
    assert (found["rows"], found["malformed"]["rows"]) == (31, 1)
    assert found["malformed"]["problem"].startswith("line 32: 3 fields where the header has 5")


def test_duplicates_near_duplicates_and_conflicts_are_told_apart() -> None:
    long = "a rather long text about a film whose plot was slow but whose actors were quite nice after all "
    found = texts.measure(
        [("Good film", "good"), ("good  FILM", "good"), ("bad film", "bad"), ("bad film", "good"), ("", "bad"),
         (long + "one", "good"), (long + "two", "good")]
    ).found  # fmt: skip
    assert (found["texts"], found["duplicates"], found["conflicts"]) == (6, 2, 1)
    assert found["near_duplicates"] == {"threshold": 0.8, "compared": 4, "rows": 1}


def test_languages_and_damage_are_told_from_the_texts() -> None:
    english = "The weather was fine and we went for a long walk along the river in the evening."
    german = "Das Wetter war schön und wir gingen am Abend lange am Fluss spazieren, bis es dunkel wurde."
    found = texts.measure([(f"{english} &amp; {number}", "") for number in range(3)] + [(german, "")]).found
    assert found["languages"] == {"en": 0.75, "de": 0.25}
    assert found["damaged"] == 0.75


def test_percentiles_are_the_smallest_number_that_covers_the_share() -> None:
    assert columns.spread({1: 50, 2: 45, 3: 4, 9: 1}) == {"mean": 1.6, "p50": 1, "p95": 2, "p99": 3, "max": 9}
    assert columns.spread({}) == {"mean": 0, "p50": 0, "p95": 0, "p99": 0, "max": 0}


# Which column is what


def test_the_text_is_the_column_with_many_words_that_differ() -> None:
    stock = column("note", ["we thank you very much for your order and hope to see you soon"] * 20)
    different = column("said", [f"number {index} was nice" for index in range(20)])
    assert roles.find_text([stock, different]).column == "said"
    nothing = roles.find_text([column("price", ["1", "2"])])
    assert (nothing.column, nothing.reason) == ("", "no column holds texts of two words or more on average")


def test_a_label_is_known_by_its_name_and_otherwise_by_its_values() -> None:
    place = column("place", ["here", "there"] * 20)
    stars = column("stars", ["1", "2", "3", "4"] * 10)
    other = column("other", ["x", "y"] * 20)
    assert roles.find_label([place, stars], "text").column == "stars"
    guess = roles.find_label([place, other], "text")
    assert (guess.column, guess.reason) == ("place", "2 values, but other could be it, too")
    assert roles.find_label([column("id", [str(number) for number in range(300)])], "text").column == ""


def test_a_value_too_rare_for_a_class_is_no_label() -> None:
    mood = column("mood", ["good"] * 600 + ["bad"] * 600 + ["goood"] * 6 + ["fair"] * 2)
    assert roles.labels_of(mood) == ["bad", "good"]
    assert roles.rare_labels(mood) == {"goood": 6, "fair": 2}
    assert roles.labels_of(column("mood", ["good"] * 8 + ["bad"] * 3)) == ["bad", "good"]


# From an unknown file to a first run in two commands


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_the_draft_of_an_unknown_file_is_valid(here: Path, form: str) -> None:
    write(here / f"My Shop.2.{form}", rows_of(80))
    result = invoke(f"My Shop.2.{form}")
    assert result.exit_code == 0
    assert "run --config configs/my-shop.yaml" in result.output
    config = loader.load(here / "configs" / "my-shop.yaml", profile="quick")
    assert (config.task, config.labels) == ("my-shop", ["bad", "good"])
    preflight.check_schema(config)
    assert preflight.check_data(config)["rows"] == 80
    valid = CliRunner().invoke(local_runner.cli, ["validate", "-c", "configs/my-shop.yaml"], catch_exceptions=False)
    assert valid.exit_code == 0, valid.output
    assert not list(here.rglob("*.partial"))


@pytest.mark.slow
def test_the_draft_compiles_into_a_whole_pipeline(here: Path) -> None:
    """What a first run needs beyond `validate`; the run itself is any run."""
    from pipeline.history.paths import TaskPaths

    file = write(here / "a.csv", rows_of(80))
    assert invoke("a.csv").exit_code == 0
    config = loader.load(here / "configs" / "a.yaml", profile="quick")
    ir = session.compile_task(config, TaskPaths(here / "runs"), file)
    assert {"ExampleGen", "Transform", "Trainer", "Pusher", "EdgePusher"} <= {
        node.pipeline_node.node_info.id for node in ir.nodes
    }


def test_labels_that_yaml_would_read_as_something_else_stay_texts(here: Path) -> None:
    rows = rows_of(60)
    for row in rows:
        row["mood"] = {"bad": "no", "good": "1"}[row["mood"]]
    write(here / "a.csv", rows)
    assert invoke("a.csv", "--label", "mood").exit_code == 0
    assert loader.load(here / "configs" / "a.yaml").labels == ["1", "no"]


def test_the_choice_of_columns_can_be_corrected(here: Path) -> None:
    write(here / "a.csv", rows_of(60))
    result = invoke("a.csv", "--label", "shop", "--slice", "none", "--name", "other", "--output", "drafts")
    assert result.exit_code == 0
    config = loader.load(here / "drafts" / "other.yaml")
    assert (config.data.columns.label, config.data.columns.slices) == ("shop", [])
    assert config.schema_path == "drafts/other-schema.pbtxt"
    preflight.check_schema(config)


def test_a_draft_that_is_there_is_not_replaced_unless_it_is_asked_for(here: Path) -> None:
    write(here / "a.csv", rows_of(60))
    (here / "configs").mkdir()
    (here / "configs" / "a.yaml").write_text("# mine\n")
    result = invoke("a.csv")
    assert result.exit_code == 2
    assert "configs/a.yaml: is there already and stays as it is; `--force` replaces it" in result.output
    assert "Likely roles" in result.output
    assert (here / "configs" / "a.yaml").read_text() == "# mine\n"
    assert not (here / "schemas").exists()
    assert invoke("a.csv", "--force").exit_code == 0
    assert (here / "configs" / "a.yaml").read_text().startswith("# A draft from a.csv: 60 rows.")


def test_looking_alone_writes_nothing(here: Path) -> None:
    write(here / "a.csv", rows_of(60))
    result = invoke("a.csv", "--no-draft", "--json")
    assert (result.exit_code, json.loads(result.stdout)["draft"]) == (0, None)
    assert [item.name for item in here.iterdir()] == ["a.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.csv"], "none.csv: no such file."),
        (["a.csv", "--text", "bdy"], "there is no column 'bdy'; the columns are: id, body, mood, shop, price."),
        (["a.csv", "--label", "id"], "'id' cannot be the label: its 60 different values hardly repeat"),
        (["a.csv", "--label", "mood", "--target", "number"], "no row has both a text and a finite number in 'mood'"),
        (["a.csv", "--label", "body", "--text", "body"], "must all differ"),
        (["a.csv", "--name", "My Task"], "use small letters, digits and hyphens"),
        (["prices.csv"], "no text column found: no column holds texts of two words"),
        (["a.docx"], "the suffix does not tell the format"),
        (["empty.csv"], "empty.csv:1: the file is empty"),
        (["rows.sql"], "a query is no file of rows"),
    ],
)
def test_what_cannot_be_drafted_is_told_with_what_to_do(here: Path, arguments: list[str], message: str) -> None:
    rows = rows_of(60)
    write(here / "a.csv", rows)
    write(here / "prices.csv", [{"price": row["price"], "mood": row["mood"]} for row in rows])
    for name in ("a.docx", "rows.sql"):
        (here / name).write_text("SELECT 1\n")
    (here / "empty.csv").write_text("")
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
    assert not (here / "configs").exists()
    assert not (here / "schemas").exists()


def test_errors_of_the_functions_are_their_own_kinds(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", rows_of(10))
    with pytest.raises(ColumnChoiceError):
        profile(path, text_column="x")
    with pytest.raises(DataError):
        profile(tmp_path / "b.csv")
    with pytest.raises(draft.DraftError):
        draft.task_name(path, "A")


def test_rows_of_which_no_configuration_can_be_made_are_told_by_their_file_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    rows = [{**row, "text_hash": f"h{number % 2}"} for number, row in enumerate(rows_of(40))]
    path = write(tmp_path / "a.csv", rows)
    config_path, schema_path = draft.paths("a", tmp_path / "drafts")
    with pytest.raises(draft.DraftError) as told:
        draft.write(profile(path), "a", config_path, schema_path, overwrite=False)
    assert str(told.value).startswith(f"{path}: data.columns: 'text_hash' is the name of a feature")
    assert list((tmp_path / "drafts").iterdir()) == []


def test_progress_is_told_in_both_passes(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    rows: list[dict[str, Any]] = rows_of(50) * 201
    profile(write(tmp_path / "a.csv", rows), progress=lambda stage, row: told.append((stage, row)))
    assert [item for item in told if item[0] in ("columns", "texts")] == [
        (stage, row) for stage in ("columns", "texts") for row in (5_000, 10_000)
    ]
    assert told[-1][0] == "linear model"


def test_texts_of_ten_thousand_words_take_seconds(tmp_path: Path) -> None:
    chance = random.Random(5)
    rows = [
        {"body": " ".join(chance.choices(_WORDS, k=10_000)) + f" {number}.", "mood": chance.choice(("bad", "good"))}
        for number in range(220)
    ]
    file = write(tmp_path / "long.csv", rows)
    started = time.process_time()
    assert profile(file)["rows"] == 220
    assert time.process_time() - started < 30, "processor seconds; it took minutes"
