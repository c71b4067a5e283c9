"""`pipeline.local.preflight`, `session`: before TensorFlow, data, schema and folder are right, or it is said."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from modules.datasets import base as datasets

import pytest

from pipeline.config import loader
from pipeline.config.loader import ConfigError
from pipeline.config.task import Config
from pipeline.history import store
from pipeline.history.paths import TaskPaths
from pipeline.history.states import NodeResult
from pipeline.ingest.rows import DataError
from pipeline.local import data_files, preflight, session
from pipeline.profiling import schema_draft

_ONE = "presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }"
SCHEMA = f"""
feature {{ name: "text" type: BYTES {_ONE} }}
feature {{ name: "label" type: BYTES domain: "label" {_ONE} }}
feature {{ name: "source" type: BYTES {_ONE} }}
feature {{ name: "text_hash" type: BYTES {_ONE} }}
string_domain {{ name: "label" value: "good" value: "bad" }}
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "schema.pbtxt").write_text(SCHEMA, encoding="utf-8")
    (tmp_path / "my.csv").write_text(
        "text,label,source\nfine,good,web\nawful,bad,web\nok,good,shop\n", encoding="utf-8"
    )
    (tmp_path / "a.yaml").write_text(
        f"task: a\nlabels: [bad, good]\nschema_path: {tmp_path}/schema.pbtxt\n"
        f"data: {{path: {tmp_path}/my.csv, columns: {{slices: [source]}}}}\n",
        encoding="utf-8",
    )
    return loader.load(tmp_path / "a.yaml")


def with_schema(config: Config, text: str) -> Config:
    config.schema_file.write_text(text, encoding="utf-8")
    return config


def test_rows_of_ones_own_file_are_counted(config: Config) -> None:
    found = preflight.check_data(config)
    assert (found["rows"], found["file"].name) == (3, "my.csv")
    assert found["counts"] == {"label": {"good": 2, "bad": 1}, "source": {"web": 2, "shop": 1}}


def test_a_missing_data_file_is_named(config: Config, tmp_path: Path) -> None:
    (tmp_path / "my.csv").unlink()
    with pytest.raises(DataError, match=r"my.csv: no such file. Set data.path, or `--data FILE`"):
        preflight.check_data(config)


def test_a_wrong_row_is_counted_and_told_with_the_whole_path_of_its_file(config: Config, tmp_path: Path) -> None:
    with (tmp_path / "my.csv").open("a", encoding="utf-8") as stream:
        stream.write("so,meh,web\nmost,good,web\nbest,good,web\n")
    found = preflight.check_data(config)
    assert (found["rows"], found["quarantined"]) == (5, {"unknown_label": 1})
    assert str(found["examples"][0]).startswith(f"{tmp_path}/my.csv:5: column 'label' is 'meh'")


def test_more_wrong_rows_than_allowed_end_it_before_anything_is_run(config: Config, tmp_path: Path) -> None:
    with (tmp_path / "my.csv").open("a", encoding="utf-8") as stream:
        stream.write("so,meh,web\n")
    message = (
        r"1 of 4 rows \(25.0%\) would be quarantined \(unknown_label 1\); data.cleaning.max_quarantined allows 20.0%"
    )
    with pytest.raises(DataError, match=rf"(?s){message}.*{tmp_path}/my.csv:5: column 'label' is 'meh'"):
        session.run(config, session.RunOptions(root=tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


def test_a_wrong_row_is_an_error_where_the_configuration_says_so(config: Config, tmp_path: Path) -> None:
    with (tmp_path / "my.csv").open("a", encoding="utf-8") as stream:
        stream.write("so,meh,web\n" + "most,good,web\n" * 20)
    strict = config.model_dump()
    strict["data"]["cleaning"]["on_error"] = "fail"
    with pytest.raises(DataError, match=rf"^{tmp_path}/my.csv:5: column 'label' is 'meh'.*on_error: quarantine"):
        preflight.check_data(Config.model_validate(strict))


def test_before_a_run_only_the_first_rows_are_read(config: Config, tmp_path: Path) -> None:
    with (tmp_path / "my.csv").open("a", encoding="utf-8") as stream:
        stream.write("so,meh,web\n")
    assert preflight.check_data(config, most=3)["quarantined"] == {}


def spans_of(config: Config, pattern: str) -> Config:
    return Config.model_validate(config.model_dump() | {"data": {**config.data.model_dump(), "path": pattern}})


def test_the_rows_of_the_newest_span_alone_are_counted_and_its_number_is_settled(
    config: Config, tmp_path: Path
) -> None:
    content = (tmp_path / "my.csv").read_text()
    for span, extra in ((1, "old,good,web\n"), (2, "")):
        file = tmp_path / f"span-{span}" / "rows.csv"
        file.parent.mkdir()
        file.write_text(content + extra)
    spans = spans_of(config, f"{tmp_path}/span-{{SPAN}}/*.csv")
    assert preflight.check_data(spans)["rows"] == 3
    assert data_files.pinned(spans).data.spans.span == 2
    assert data_files.pinned(config) == config
    with pytest.raises(DataError, match=r"span-2 is a folder; end data.path with the files' names"):
        preflight.check_data(spans_of(config, f"{tmp_path}/span-{{SPAN}}"))


def test_logs_that_are_not_there_are_named_before_anything_runs(config: Config, tmp_path: Path) -> None:
    values = config.model_dump() | {"data": {**config.data.model_dump(), "serving_logs": f"{tmp_path}/served*.jsonl"}}
    logged = Config.model_validate(values)
    with pytest.raises(DataError, match=r"served\*.jsonl: no such file. Set data.serving_logs"):
        data_files.check_serving_logs(logged)
    (tmp_path / "served-1.jsonl").touch()
    data_files.check_serving_logs(logged)
    data_files.check_serving_logs(config)


def test_the_default_data_set_is_fetched_when_no_file_is_named(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "csv_file", lambda name: {"vader": tmp_path / "my.csv"}[name])
    values = config.model_dump() | {"data": {"dataset": "vader", "columns": {"slices": ["source"]}}}
    assert preflight.check_data(Config.model_validate(values))["rows"] == 3


def test_a_split_without_rows_is_told_before_anything_runs(config: Config, tmp_path: Path) -> None:
    (tmp_path / "my.csv").write_text("text,label,source\nfine,good,train\nawful,bad,eval\n", encoding="utf-8")
    values = config.model_dump()
    values["data"] |= {"splits": {"given": "source"}}
    with pytest.raises(DataError, match=r"'source' puts no row into test; the others have train 1, eval 1"):
        preflight.check_data(Config.model_validate(values))


def test_a_schema_that_fits_is_accepted(config: Config) -> None:
    preflight.check_schema(config)


def test_the_schema_of_the_default_task_fits_its_configuration(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    preflight.check_schema(loader.load("configs/sentiment.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('value: "bad"', 'value: "awful"', r"domain of 'label' is \['awful', 'good'\], .* \['bad', 'good'\]"),
        ('value: "bad"', "", r"is \['good'\]"),
        ('"source"', '"sourse"', "no feature 'source'; it has: text, label, sourse, text_hash"),
        ('"text_hash"', '"hash"', "no feature 'text_hash'"),
        ("feature {", "featur {", "not a schema: .*featur"),
        ("BYTES domain", "INT domain", "the feature 'label' is of type INT, and what reads it wants BYTES"),
        ("min_fraction: 1.0", "", "every row holds one value of 'text'"),
        ("shape { dim { size: 1 } }", "value_count { min: 1 max: 1 }", "give the feature `presence"),
    ],
)
def test_a_schema_that_does_not_fit_is_refused_with_both_sides(
    config: Config, old: str, new: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"schema.pbtxt: .*{message}"):
        preflight.check_schema(with_schema(config, SCHEMA.replace(old, new)))


def test_a_domain_inside_the_feature_counts_too(config: Config) -> None:
    text = SCHEMA.replace('domain: "label"', 'string_domain { name: "x" value: "good" value: "evil" }')
    with pytest.raises(ConfigError, match="evil"):
        preflight.check_schema(with_schema(config, text))


def test_a_missing_schema_says_how_to_draft_one(config: Config) -> None:
    config.schema_file.unlink()
    with pytest.raises(ConfigError, match=r"no such file. `make schema` drafts one"):
        preflight.check_schema(config)


def test_a_schema_that_was_drafted_from_the_rows_fits_the_configuration(config: Config) -> None:
    found = preflight.check_data(config)
    draft = schema_draft.draft(found["counts"], preflight.layout(config))
    schema_draft.write(draft, config.schema_file, overwrite=True)
    preflight.check_schema(config)


def _hold(root: str, ready: multiprocessing.synchronize.Event, done: multiprocessing.synchronize.Event) -> None:
    with session.locked(TaskPaths(Path(root))):
        ready.set()
        done.wait(60)


def test_two_runs_never_write_into_one_folder_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(tmp_path / "runs"), ready, done))
    other.start()
    assert ready.wait(60)
    try:
        with (
            pytest.raises(session.BusyError, match="another run is going on there"),
            session.locked(TaskPaths(tmp_path / "runs")),
        ):
            pass
        with session.locked(TaskPaths(tmp_path / "elsewhere")):
            pass
    finally:
        done.set()
        other.join()
    with session.locked(TaskPaths(tmp_path / "runs")):
        pass


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(tmp_path), ready, done))
    other.start()
    assert ready.wait(60)
    other.kill()
    other.join()
    with session.locked(TaskPaths(tmp_path)):
        pass


def test_a_run_with_a_wrong_schema_or_wrong_rows_leaves_nothing_behind(config: Config, tmp_path: Path) -> None:
    options = session.RunOptions(root=tmp_path / "runs")
    (tmp_path / "my.csv").write_text("text,label,source\n", encoding="utf-8")
    with pytest.raises(DataError):
        session.run(config, options)
    with pytest.raises(ConfigError):
        session.run(with_schema(config, ""), options)
    assert not (tmp_path / "runs").exists()


def test_a_name_with_other_characters_is_refused_before_anything_is_run(config: Config, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--name 'a b'"):
        session.run(config, session.RunOptions(root=tmp_path / "runs", name="a b"))
    assert not (tmp_path / "runs" / "history").exists()


def test_what_stopped_a_run_is_told_though_the_metadata_cannot_be_read(config: Config, tmp_path: Path) -> None:
    (tmp_path / "metadata.db").write_bytes(b"no database" * 1000)
    paths = TaskPaths(tmp_path)
    error = RuntimeError("Trainer failed: no room")
    failed = [NodeResult("Trainer", "failed", 1.0, error)]
    _, summary = session._gathered(
        store.connection(paths), config, paths, "r1", failed, error, None, tmp_path / "my.csv"
    )
    assert (summary["state"], summary["failed_node"], summary["error"]) == ("failed", "Trainer", str(error))
    assert summary["pushed"] == {"server": None, "edge": None}


def test_a_summary_that_cannot_be_written_is_told_and_leaves_no_part_of_itself(tmp_path: Path) -> None:
    paths = TaskPaths(tmp_path)
    told = session._write({"run_id": "r1"}, paths)
    assert told.startswith(f"{paths.run_dir('r1')}/summary.json: No such file or directory.\n")
    paths.run_dir("r1").mkdir(parents=True)
    assert session._write({"run_id": "r1"}, paths) == ""
    assert (paths.history / "latest" / "summary.json").read_text() == '{\n  "run_id": "r1"\n}\n'
