"""What `validate` calls valid, `run` does not refuse: one function of checks, before TensorFlow is imported."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import local_runner
from pipeline.config import loader
from pipeline.ingest.rows import DataError
from pipeline.local import preflight, session
from pipeline.local.session import RunOptions
from tests import tiny


@pytest.fixture
def task(tmp_path: Path) -> tiny.TinyTask:
    return tiny.make(tmp_path / "task", rows=40)


def with_domain(task: tiny.TinyTask, *values: str) -> None:
    """Gives the slice column a domain, as a drafted schema does."""
    schema = task.folder / "schema.pbtxt"
    text = schema.read_text().replace('"source" type: BYTES', '"source" type: BYTES domain: "source"')
    domain = " ".join(f'value: "{value}"' for value in values)
    schema.write_text(f'{text}string_domain {{ name: "source" {domain} }}\n')


def refused(task: tiny.TinyTask, *overrides: str, **options: Any) -> str:
    """What `validate` says, which is what `run` says, in the same words."""
    root = options.get("root", task.root)
    sets = [item for override in overrides for item in ("--set", override)]
    told = CliRunner().invoke(local_runner.cli, ["validate", "--config", str(task.config), "--root", str(root), *sets])
    assert told.exit_code == 2, told.output
    config = loader.load(task.config, profile="quick", overrides=overrides)
    with pytest.raises((loader.ConfigError, DataError)) as run:
        session.run(config, RunOptions(**{"root": root, **options}))
    assert str(run.value) in told.output
    return told.output


def test_a_value_outside_the_schemas_domain_is_told(task: tiny.TinyTask) -> None:
    with_domain(task, "web")
    told = refused(task)
    assert "schema.pbtxt: the domain of 'source' lacks 'shop' (" in told
    assert "rows); a run would stop at ExampleValidator. Add them to the schema" in told


def test_a_value_that_the_schema_lets_pass_is_valid(task: tiny.TinyTask) -> None:
    with_domain(task, "web")
    schema = task.folder / "schema.pbtxt"
    limits = "distribution_constraints { min_domain_mass: 0.1 }"
    schema.write_text(schema.read_text().replace('domain: "source"', f'domain: "source" {limits}'))
    assert preflight.check(loader.load(task.config, profile="quick"), root=task.root)["rows"] == 40


def test_a_synonym_table_of_another_language_is_refused_before_a_run(task: tiny.TinyTask) -> None:
    table = task.folder / "words.txt"
    table.write_text("# language: de\ngut, fein\n")
    augmented = ("data.augmentation.share=1", f"data.augmentation.synonym_table={table}")
    assert "words.txt is a table of de, and the rows are en. Take one of their language" in refused(task, *augmented)
    assert "languages: ['xx'] are not among: " in refused(task, *augmented, "data.augmentation.languages=[xx]")
    wanted = loader.load(task.config, profile="quick", overrides=augmented).data.augmentation
    assert wanted.refusal([], table.read_text()) == "", "of a TFRecord nobody has seen a row yet"


def test_operations_that_a_language_does_not_allow_are_told(task: tiny.TinyTask) -> None:
    task.rows.write_text(task.rows.read_text().replace("the ", "das ist doch einmal der "))
    config = loader.load(task.config, profile="quick", overrides=("data.augmentation.share=1",))
    [told] = [note for note in preflight.notes(config, preflight.check_data(config)["counts"]) if "augment" in note]
    assert "data.augmentation: synonyms are not replaced in " in told


def test_rows_of_one_label_alone_are_told(task: tiny.TinyTask) -> None:
    text = task.rows.read_text().replace(",negative,", ",positive,")
    task.rows.write_text(text)
    told = refused(task)
    assert "rows.csv: all 40 rows have the label 'positive', so that there is nothing to learn; add rows of" in told


def test_missing_serving_logs_are_told(task: tiny.TinyTask) -> None:
    assert "none.jsonl: no such file. Set data.serving_logs" in refused(task, "data.serving_logs=none.jsonl")


def test_a_root_that_tfx_takes_for_a_pattern_is_told(task: tiny.TinyTask, tmp_path: Path) -> None:
    nothing = f"data.path={tmp_path}/none/span-{{SPAN}}/*.csv"  # wrong as well, and looked for later
    told = refused(task, nothing, "data.serving_logs=none.jsonl", root=tmp_path / "runs [v1]")
    assert "holds '[', which TFX takes for a pattern; choose a path without any of * ? [." in told
    assert len(told.strip().splitlines()) == 1
    assert not (tmp_path / "runs [v1]").exists()


def test_a_root_that_no_file_system_has_is_told(task: tiny.TinyTask, tmp_path: Path) -> None:
    assert "has a part of more than 255 bytes" in refused(task, root=tmp_path / ("ü" * 200))


def test_rows_in_a_folder_that_tfx_takes_for_a_pattern_are_told(task: tiny.TinyTask, tmp_path: Path) -> None:
    folder = tmp_path / "rows [v1]"
    folder.mkdir()
    (folder / "rows.csv").write_bytes(task.rows.read_bytes())
    assert "the folder of the rows, holds '['" in refused(task, f"data.path={folder}/rows.csv")


@pytest.mark.parametrize("option", ["only", "start"])
def test_a_mistyped_node_is_told_before_anything_is_imported_or_written(task: tiny.TinyTask, option: str) -> None:
    config = loader.load(task.config, profile="quick")
    imported = "tfx" in sys.modules
    with pytest.raises(session.OptionError, match=r"Trianer: there is no such node. Did you mean Trainer\?"):
        session.run(config, RunOptions(root=task.root, **{option: "Trianer"}))
    assert ("tfx" in sys.modules) == imported
    assert not task.root.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["a", "line\nbreak"]}, r"labels: 'line\nbreak' holds a line break"),
        ({"labels": ["a", " "]}, "labels: ' ' is empty"),
        ({"labels": ["a", "b" * 600]}, "has more than 500 bytes"),
        ({"data": {"columns": {"slices": ["text_hash"]}}}, "'text_hash' is the name of a feature that the pipeline"),
        ({"data": {"columns": {"text": "text_hash"}}}, "'text_hash' is the name of a feature that the pipeline"),
        ({"data": {"columns": {"slices": ["token_ids"]}}}, "'token_ids' is the name of a feature"),
        ({"data": {"columns": {"slices": ["a\u2028b"]}}}, "data.columns.slices: "),
        ({"task": "a" * 101}, "at most 100 characters"),
    ],
)
def test_names_that_a_later_node_cannot_take_are_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    base = {"task": "a", "labels": ["a", "b"], "schema_path": "s", "data": {"path": "a.csv"}}
    file = tmp_path / "a.yaml"
    file.write_text(yaml.safe_dump({**base, **change, "data": {**base["data"], **change.get("data", {})}}))  # type: ignore[dict-item]
    with pytest.raises(loader.ConfigError) as told:
        loader.load(file)
    assert message in str(told.value)
