"""The C++ example tokenizes as the package does. (The Kotlin one needs Android's toolchain and is read, not run.)"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from edgeline_edge import Classifier
from edgeline_edge.long_text import LongText
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
    tokenizer = classifier.tokenizer
    cuts: list[LongText] = ["head", "head_tail", "windows"]
    for how in cuts:
        done = subprocess.run(
            [program, bundle_path, table, str(length), how, "3"],
            input="".join(f"{text.hex()}\n" for text in texts),
            capture_output=True,
            text=True,
            check=True,
        )
        rows = done.stdout.splitlines()
        assert len(rows) == len(texts) >= 300
        for text, row in zip(texts, rows, strict=True):
            ids = tokenizer.rows(tokenizer.cut(text.decode("utf-8", "replace"), how, 3))[0]
            assert [int(number) for number in row.split()] == ids.ravel().tolist(), (how, text[:60])
