"""The command line, as a user meets it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeline_edge import Classifier

PROGRAM = [sys.executable, "-m", "edgeline_edge"]


def run(*arguments: object, stdin: bytes = b"", code: int = 0) -> str:
    done = subprocess.run([*PROGRAM, *map(str, arguments)], input=stdin, capture_output=True, timeout=60)
    assert done.returncode == code, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert b"XNNPACK" not in done.stderr
    return (done.stdout if code == 0 else done.stderr).decode()


def test_help_and_version_are_instant_and_load_nothing() -> None:
    script = "import sys; from edgeline_edge.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    script += "assert not {'numpy', 'ai_edge_litert', 'tensorflow'} & set(sys.modules)"
    assert (
        "predict" in subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    )
    assert run("--version").startswith("edgeline-edge ")


def test_texts_as_arguments(bundle_path: Path, classifier: Classifier) -> None:
    lines = run("predict", bundle_path, "good film", "bad\tfilm\x1b[31m").splitlines()
    answers = classifier.predict(["good film", "bad\tfilm\x1b[31m"])
    assert [line.split("\t")[0] for line in lines] == [answer.label for answer in answers]
    assert lines[1].endswith("\tbad film [31m")


@pytest.mark.parametrize("source", ["stdin", "-", "file"])
def test_lines_from_stdin_or_a_file(bundle_path: Path, tmp_path: Path, source: str, classifier: Classifier) -> None:
    content = "good film\r\nwörst phone\nend".encode()
    (tmp_path / "texts").write_bytes(content)
    arguments = {"stdin": [], "-": ["--file", "-"], "file": ["--file", tmp_path / "texts"]}[source]
    out = run("predict", bundle_path, *arguments, "--output", "jsonl", stdin=b"" if source == "file" else content)
    records = [json.loads(line) for line in out.splitlines()]
    expected = classifier.predict(["good film", "wörst phone", "end"])
    assert [record["line"] for record in records] == [1, 2, 3]
    assert [record["scores"] for record in records] == [answer.scores for answer in expected]


def test_jsonl_in_csv_out(bundle_path: Path, classifier: Classifier) -> None:
    stdin = b'{"review": "good film", "id": 1}\n\n"a bare string"\n'
    out = run("predict", bundle_path, "--input", "jsonl", "--field", "review", "--output", "csv", stdin=stdin)
    rows = list(csv.DictReader(io.StringIO(out)))
    expected = classifier.predict(["good film", "a bare string"])
    assert [(row["line"], row["label"], float(row["score"])) for row in rows] == [
        (line, answer.label, answer.score) for line, answer in zip("13", expected, strict=True)
    ]
    assert float(rows[0]["score_positive"]) == expected[0].scores["positive"]


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        (b'"a"\nnot json\n', "line 2: not JSON"),
        (b'{"txt": "a"}\n', "line 1: no field 'text'; it has: txt"),
        (b'{"text": 1}\n', "line 1: the text must be a string, is int"),
        (b'{"text": ""}\n', "line 1: the text is empty"),
        (b'"' + b"a" * 5000 + b'"\n', "line 1: longer than 1,000 bytes"),
        (b"[" * 900 + b"\n", "line 1: not JSON"),
    ],
)
def test_a_bad_line_is_named_and_can_be_passed_over(bundle_path: Path, stdin: bytes, message: str) -> None:
    arguments = ["predict", bundle_path, "--input", "jsonl", "--output", "jsonl", "--max-bytes", 1000]
    assert message in run(*arguments, stdin=stdin, code=1)
    stdin += b'{"text": "fine"}\n'
    done = subprocess.run([*PROGRAM, *map(str, arguments), "--keep-going"], input=stdin, capture_output=True)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert message.split(": ", 1)[1] in next(record["error"] for record in records if "error" in record)
    assert "label" in records[-1]


def test_options_may_stand_before_texts_or_behind(bundle_path: Path) -> None:
    orders = (
        ["--output", "jsonl", "good film", "bad"],
        ["good film", "--output", "jsonl", "bad"],
        ["good film", "bad", "--output", "jsonl"],
        ["--output", "jsonl", "--", "good film", "bad"],
    )
    first, *others = (run("predict", bundle_path, *order) for order in orders)
    assert len(first.splitlines()) == 2
    assert others == [first] * 3
    assert "unrecognized arguments: --colour red" in run("predict", bundle_path, "good film", "--colour", "red", code=2)
    assert "unrecognized arguments: more" in run("info", bundle_path, "more", code=2)


def test_a_byte_order_mark_is_not_part_of_the_text(bundle_path: Path) -> None:
    arguments = ("predict", bundle_path, "--output", "jsonl")
    for more, line in ((["--input", "jsonl"], b'{"text": "good film"}\n'), ([], b"good film\n")):
        assert run(*arguments, *more, stdin=b"\xef\xbb\xbf" + line) == run(*arguments, *more, stdin=line)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_refused_with_what_to_do(bundle_path: Path, encoding: str) -> None:
    told = run("predict", bundle_path, "--keep-going", stdin="good film\nbad film\n".encode(encoding), code=1)
    assert "UTF-16" in told
    assert "iconv" in told


def test_latin1_is_told_once_with_its_line(bundle_path: Path) -> None:
    stdin = "good film\ncafé\nnaïve\n".encode("latin-1")
    done = subprocess.run([*PROGRAM, "predict", str(bundle_path)], input=stdin, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout.count(b"\n")) == (0, 3)
    assert done.stderr.count(b"not UTF-8") == 1
    assert b"line 2 is not UTF-8" in done.stderr
    assert not subprocess.run(
        [*PROGRAM, "predict", str(bundle_path)], input="a \ufffd café".encode(), capture_output=True, timeout=60
    ).stderr


@pytest.mark.slow
def test_memory_is_constant_and_answers_stream(bundle_path: Path) -> None:
    """The first answer comes while the input is open; 200,000 lines need no more memory than 2,000."""
    process = subprocess.Popen([*PROGRAM, "predict", bundle_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"good film\n")
    process.stdin.flush()
    assert b"good film" in process.stdout.readline()
    process.stdin.close()
    assert process.wait(20) == 0
    process.stdout.close()

    script = """
import sys
from edgeline_edge.cli import main
main(["predict", sys.argv[1]])
# Its own peak: `ru_maxrss` begins with that of the process that started it.
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")), file=sys.stderr)
"""
    peaks = []
    for count in (2_000, 200_000):
        stdin = "".join(f"good film number {i}\n" for i in range(count)).encode()
        done = subprocess.run([sys.executable, "-c", script, bundle_path], input=stdin, capture_output=True, check=True)
        assert done.stdout.count(b"\n") == count
        peaks.append(int(done.stderr))
    # The tokenizer remembers up to 12 MiB of words by design.
    assert peaks[1] - peaks[0] < 25_000, peaks


def test_a_reader_that_leaves_is_no_error(bundle_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "predict", bundle_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    try:
        process.stdin.write(b"good film\n" * 1000)
        process.stdin.close()
    except BrokenPipeError:
        pass
    assert process.wait(20) == 0
    assert process.stderr.read() == b""


def test_info(bundle_path: Path) -> None:
    facts = json.loads(run("info", bundle_path, "--json"))
    assert facts["bytes"] == os.path.getsize(bundle_path) == facts["bytes_model"] + facts["bytes_attached"]
    assert facts["operators"]["FULLY_CONNECTED"] == 2
    assert facts["oldest_tensorflow_lite"] == "1.14.0"
    assert facts["manifest"]["labels"] == ["negative", "neutral", "positive"]
    assert "FULLY_CONNECTED" in run("info", bundle_path)
    assert "| input | `token_ids` | int32 | `[1, 32]` |" in run("info", bundle_path, "--markdown")


def test_info_names_the_model_card_of_this_very_bundle(bundle_path: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "model.tflite"
    bundle.write_bytes(bundle_path.read_bytes())
    facts = json.loads(run("info", bundle, "--json"))
    assert facts["model_card"] is None
    (tmp_path / "model_card.md").write_text("# A card")
    for digest, expected in (("0" * 64, None), (facts["sha256"], str(tmp_path / "model_card.md"))):
        (tmp_path / "model_card.json").write_text(json.dumps({"size": {"sha256": digest}}))
        assert json.loads(run("info", bundle, "--json"))["model_card"] == expected
    assert "model_card.md" in run("info", bundle)


def test_verify(bundle_path: Path, tmp_path: Path) -> None:
    digest = json.loads(run("info", bundle_path, "--json"))["sha256"]
    assert digest in run("verify", bundle_path)
    run("verify", bundle_path, "--sha256", digest)
    assert "SHA-256 is" in run("verify", bundle_path, "--sha256", "0" * 64, code=1)
    (tmp_path / "cut").write_bytes(bundle_path.read_bytes()[:-1])
    assert "cut off" in run("verify", tmp_path / "cut", code=1)
    assert "cannot be read" in run("verify", tmp_path / "absent", code=1)


def test_bench_prints_numbers_for_programs(bundle_path: Path) -> None:
    started = time.perf_counter()
    report = json.loads(run("bench", bundle_path, "--seconds", 0.2, "--threads", 2, "--json"))
    assert time.perf_counter() - started < 30
    assert [row["threads"] for row in report["latency"]] == [1, 2]
    for row in report["latency"]:
        assert 0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"]
        assert row["ratio_p50"] == pytest.approx(row["p50_ms"] / row["bare_p50_ms"])
    cold = report["cold_start"]
    assert cold["total_s"] == pytest.approx(cold["import_s"] + cold["load_s"] + cold["first_answer_s"], rel=0.01)
    assert "p50 ms" in run("bench", bundle_path, "--seconds", 0.1)


def test_wrong_usage_is_exit_code_2() -> None:
    run(code=2)
    run("predict", code=2)
    run("bench", "x", "--threads", "0", code=2)
    assert "must lie in 0 … 65535" in run("serve", "x", "--port", "99999", code=2)
    run("serve", "x", "--timeout", "nan", code=2)
    run("serve", "x", "--model-version", "v1", code=2)
