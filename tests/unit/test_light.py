"""`make test-fast` leaves out what imports TensorFlow, by reading the imports."""

from pathlib import Path

import pytest

from tests import light


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import json\n", True),
        ("import tensorflow as tf\n", False),
        ("def test_a():\n    import apache_beam\n", False),
        ("from pipeline.machine.doctor import main\n", True),
        ("from modules.network import model\n", False),
        ("from pipeline.pipeline import create_pipeline\n", False),
        ("from tests.tiny import config\n", True),
    ],
)
def test_a_file_is_heavy_by_what_it_or_its_imports_import(tmp_path: Path, text: str, expected: bool):
    file = tmp_path / "test_it.py"
    file.write_text(text)
    assert light.is_light(file) is expected


def test_most_of_what_answers_at_once_is_tested_in_the_fast_part(repository: Path):
    files = [*(repository / "tests").rglob("test_*.py"), *(repository / "edge" / "tests").rglob("test_*.py")]
    kept = {file.name for file in files if light.is_light(file)}
    assert {"test_task.py", "test_local_runner.py", "test_doctor.py", "test_classifier.py"} <= kept
    assert not {"test_model.py", "test_trainer.py", "test_pruning.py", "test_tuner.py"} & kept
