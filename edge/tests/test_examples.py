"""The C++ example tokenizes as the package does. (The Kotlin one needs Android's toolchain and is read, not run.)"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from edgeline_edge import Classifier
from tests.tools import programs

EDGE = Path(__file__).parent.parent
UGLY = EDGE.parent / "tests" / "data" / "ugly_texts.jsonl"


@pytest.mark.slow
def test_cpp_gives_the_same_ids(bundle_path: Path, classifier: Classifier, tmp_path: Path) -> None:
    compiler = programs.need(programs.COMPILER)["c++"]
    program = tmp_path / "tokenize"
    flags = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, EDGE / "examples" / "tokenize.cpp", "-o", program], check=True)

    texts: list[bytes] = []
    for line in UGLY.read_text("ascii").splitlines():
        record = json.loads(line)
        if "bytes" in record:
            texts.append(bytes.fromhex(record["bytes"]))
        else:
            texts.append((record["text"] * record.get("times", 1)).encode("utf-8", "surrogatepass"))
    table = EDGE / "edgeline_edge" / "data" / "normalization-1.txt"
    length = classifier.tokenizer.sequence_length
    done = subprocess.run(
        [program, bundle_path, table, str(length)],
        input="".join(f"{text.hex()}\n" for text in texts),
        capture_output=True,
        text=True,
        check=True,
    )
    expected = classifier.tokenizer.encode(text.decode("utf-8", "replace") for text in texts)[0]
    rows = done.stdout.splitlines()
    assert len(rows) == len(texts) >= 300
    for text, row, ids in zip(texts, rows, expected, strict=True):
        assert [int(number) for number in row.split()] == ids.tolist(), text[:60]
