"""`pipeline.ingest.component`: ExampleGen runs again when the rows behind a query change, and only then."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import modules  # noqa: F401

import pytest

from pipeline.ingest.component import RowsDriver, rows_fingerprint
from pipeline.kubeflow.container import main
from tests.unit import source_files
from tests.unit.pipeline.ingest.test_clean_rows import GOOD, properties


@pytest.fixture
def sql(tmp_path: Path) -> dict[str, Any]:
    """ExampleGen's properties for a query."""
    return properties(*source_files.write(tmp_path, "sql", GOOD))


def add_row(folder: Path) -> None:
    with sqlite3.connect(folder / "rows.db") as connection:
        connection.execute("INSERT INTO reviews VALUES ('new', 'good', 'web')")
    connection.close()


def driven(given: dict[str, Any]) -> str:
    """The fingerprint of the local driver."""
    return RowsDriver(None).resolve_exec_properties(dict(given), None, None)["input_fingerprint"]


def test_new_rows_change_what_the_cache_goes_by_though_the_file_with_the_query_stays(
    sql: dict[str, Any], tmp_path: Path
) -> None:
    first = driven(sql)
    assert driven(sql) == first
    add_row(tmp_path)
    assert driven(sql) != first
    assert driven(sql).split(",rows:")[0] == first.split(",rows:")[0]  # TFX's own part


def test_a_file_of_rows_is_not_read_for_its_fingerprint(tmp_path: Path) -> None:
    given = properties(*source_files.write(tmp_path, "csv", GOOD))
    assert rows_fingerprint(given) == ""
    assert "rows:" not in driven(given)


def test_the_hook_of_a_container_writes_the_same_fingerprint(sql: dict[str, Any], tmp_path: Path) -> None:
    call = {
        "inputs": {"parameterValues": sql},
        "outputs": {
            "outputFile": str(tmp_path / "driver" / "output.json"),
            "artifacts": {
                "examples": {
                    "artifacts": [{"name": "e", "uri": str(tmp_path / "e"), "type": {"schemaTitle": "tfx.Examples"}}]
                }
            },
        },
    }
    declared = {"parameters": {name: {"parameterType": "STRING"} for name in sql}}
    arguments = ["--json_serialized_inputs_spec_args", json.dumps(declared)]
    main.main(["--drive", "--json_serialized_invocation_args", json.dumps(call), *arguments])
    output = json.loads((tmp_path / "driver" / "output.json").read_text())
    assert output["parameterValues"]["input_fingerprint"] == driven(sql)
