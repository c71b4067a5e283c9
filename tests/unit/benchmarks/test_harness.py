import datetime
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.harness import machine, results, sources, tables
from benchmarks.harness.alternation import alternate, turns
from benchmarks.harness.spread import PowerLaw, Spread, fit_power_law, paired_ratio
from benchmarks.harness.worker import Worker, WorkerError

ROOT = Path(__file__).resolve().parents[3]


def _result(**changes) -> results.Result:
    values = {
        "name": "speed", "title": "Speed", "command": "make bench-speed", "explanation": "Ours against theirs.",
        "machine": {"cpu": "Z80", "cores": 1, "memory_gib": 1, "instruction_sets": [], "system": "CP/M", "python": "3",
                    "load": 0.5, "packages": {"ours": "1"}, "peers": {"theirs": "2"}},
        "settings": {"threads": 1},
        "tables": [results.Table(("side", "ms"), [("ours", 1234.5), ("theirs | other", 2)])],
        "goals": [results.Goal("ratio", "at least 1", 0.5, False, "the machine is old")],
        "notes": ["Measured at night."],
    }  # fmt: skip
    return results.Result(**{**values, **changes})


def test_noise_is_told_as_minimum_median_and_maximum():
    assert Spread.of([3.0, 1.0, 2.0, 10.0]) == Spread(1.0, 2.5, 10.0, 4)
    assert Spread.of([1.23456789]).to_dict() == {"min": 1.23457, "median": 1.23457, "max": 1.23457, "count": 1}


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")]])
def test_a_measurement_that_is_no_number_is_refused(values: list[float]):
    with pytest.raises(ValueError, match="measurement"):
        Spread.of(values)


def test_a_disturbance_that_hits_both_sides_of_a_round_leaves_the_ratio_alone():
    quiet, disturbed = paired_ratio([2.0, 2.0], [1.0, 1.0]), paired_ratio([2.0, 20.0], [1.0, 10.0])
    assert quiet == disturbed == Spread(2.0, 2.0, 2.0, 2)


def test_a_ratio_needs_the_same_rounds_on_both_sides():
    with pytest.raises(ValueError, match="2 rounds on one side, 1 on the other"):
        paired_ratio([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="0 has no ratio"):
        paired_ratio([1.0], [0.0])


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_a_growth_is_found(exponent: float):
    sizes = [1_000, 10_000, 100_000]
    law = fit_power_law(sizes, [3.0 * size**exponent for size in sizes])
    assert law.exponent == pytest.approx(exponent, abs=1e-9)
    assert law.factor == pytest.approx(3.0)
    assert isinstance(law, PowerLaw)


def test_a_line_that_does_not_fit_says_so():
    assert fit_power_law([1, 10, 100], [1.0, 50.0, 2.0]).r_squared < 0.5


@pytest.mark.parametrize(
    ("sizes", "values"), [([1], [1.0]), ([5, 5], [1.0, 2.0]), ([1, 2], [0.0, 1.0]), ([1, 2], [1.0])]
)
def test_a_growth_of_too_few_or_impossible_points_is_refused(sizes: list[int], values: list[float]):
    with pytest.raises(ValueError, match=r"two different sizes|positive"):
        fit_power_law(sizes, values)


def test_every_side_goes_first_equally_often():
    firsts = [order[0] for order in turns(["a", "b", "c"], 6)]
    assert sorted(firsts) == ["a", "a", "b", "b", "c", "c"]
    assert all(sorted(order) == ["a", "b", "c"] for order in turns(["a", "b", "c"], 6))


def test_alternation_keeps_the_rounds_of_the_sides_together():
    clock = iter(range(100))
    found = alternate({"ours": lambda: next(clock), "theirs": lambda: next(clock)}, 3)
    assert found == {"ours": [0, 3, 4], "theirs": [1, 2, 5]}
    with pytest.raises(ValueError, match="0 rounds measure nothing"):
        alternate({"ours": lambda: 1}, 0)


def test_the_machine_is_named_but_not_whose_it_is():
    facts = machine.describe(["numpy", "no-such-package"])
    assert facts["cores"] >= 1
    assert set(facts["packages"]) == {"numpy"}
    assert str(ROOT) not in json.dumps(facts)
    assert "peers" not in facts


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's peak counter")
def test_the_peak_of_memory_begins_anew_after_a_reset():
    # In a process of its own: a training in this one may have told the C library to keep what is freed.
    program = textwrap.dedent("""
        from benchmarks.harness import memory
        block = bytearray(200 * 2**20)
        before = memory.peak_bytes()
        del block
        memory.reset_peak()
        assert memory.resident_bytes() <= memory.peak_bytes() < before - 150 * 2**20
    """)
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.fixture
def worker_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "echo_worker.py").write_text(
        textwrap.dedent("""
            import os
            from benchmarks.harness.worker import serve
            def prepare():
                print("libraries print what they like")
                def answer(request):
                    if request.get("die"):
                        os._exit(7)
                    return {"double": 2 * request["number"], "variable": os.environ.get("BENCH_VARIABLE")}
                return answer
            serve(prepare)
        """)
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return "echo_worker"


def _worker(module: str) -> Worker:
    return Worker(module, environment={"BENCH_VARIABLE": "here", "PYTHONPATH": f"{sys.path[0]}:{ROOT}"})


def test_a_worker_answers_in_a_process_of_its_own(worker_module: str):
    with _worker(worker_module) as worker:
        assert worker.ask(number=21) == {"double": 42, "variable": "here"}
        assert worker.ask(number=1)["double"] == 2


def test_a_worker_that_fails_or_dies_is_an_error_that_names_it(worker_module: str):
    with _worker(worker_module) as worker:
        with pytest.raises(WorkerError, match="echo_worker: KeyError: 'number'"):
            worker.ask()
        with pytest.raises(WorkerError, match="echo_worker ended with exit code 7"):
            worker.ask(die=True)


def test_a_result_is_written_whole_and_read_back(tmp_path: Path):
    file = results.write(_result(), tmp_path, today=datetime.date(2030, 1, 2))
    assert [path.name for path in tmp_path.iterdir()] == ["speed.json"]
    content = results.read(file)
    assert (content["measured"], content["goals"][0]["met"]) == ("2030-01-02", False)


def test_a_result_of_another_format_is_refused_with_the_command_that_makes_it_anew(tmp_path: Path):
    (tmp_path / "old.json").write_text('{"format": 0, "command": "make bench-old"}')
    with pytest.raises(ValueError, match=r"old\.json: format 0, 1 is read here; run make bench-old"):
        results.read(tmp_path / "old.json")


def test_the_document_shows_numbers_noise_machine_and_missed_goals(tmp_path: Path):
    results.write(_result(), tmp_path, today=datetime.date(2030, 1, 2))
    results.write(_result(name="quality", title="Quality"), tmp_path, today=datetime.date(2030, 1, 2))
    text = report.document(report.read_all(tmp_path), lambda _: "")
    assert text.index("## Quality") < text.index("## Speed"), "known results come first"
    assert "| ours | 1,234 |" in text
    assert "theirs \\| other" in text
    assert "| ratio | at least 1 | 0.5 | **missed** | the machine is old |" in text
    assert "Measured on 2030-01-02 on 1 cores of Z80, 1 GiB, CP/M, Python 3, ours 1; peers: theirs 2;" in text


def test_a_crowded_machine_is_told_with_its_result(tmp_path: Path):
    quiet = _result().machine
    results.write(_result(machine={**quiet, "load": 9.5}), tmp_path)
    assert "The machine was crowded (load average 9.5 on 1 cores)" in report.document(
        report.read_all(tmp_path), lambda _: ""
    )
    results.write(_result(machine={**quiet, "load": 1.5}), tmp_path)
    assert "crowded" not in report.document(report.read_all(tmp_path), lambda _: "")


def test_a_result_is_marked_when_its_code_is_another_one(tmp_path: Path):
    found = [
        results.read(results.write(_result(name="monitoring"), tmp_path / code, code=code or ""))
        for code in (sources.digest("monitoring"), "0" * 64, "")
    ]
    same, other, unknown = (report.document([one]) for one in found)
    assert sources.MARK not in same
    assert f"- {sources.MARK}: `{found[1]['command']}` measures today's." in other
    assert f"- {sources.MARK}: it was measured before a digest of its code was kept." in unknown
    assert report.unmarked(other) == report.unmarked(unknown) == same


@pytest.mark.parametrize("name", [result["name"] for result in report.read_all()])
def test_every_benchmark_has_a_digest_of_what_it_measures(name: str):
    assert len(sources.digest(name)) == 64


def test_a_row_with_a_cell_too_few_is_refused():
    with pytest.raises(ValueError, match="2 columns, but a row of 1"):
        tables.markdown_table(("a", "b"), [("only",)])


def test_the_committed_document_is_what_the_committed_results_give():
    found = report.read_all()
    written, given = report.DOCUMENT.read_text(encoding="utf-8"), report.document(found, lambda _: "")
    assert report.unmarked(written) == given, "run `python -m benchmarks.report`"
    text = report.README.read_text(encoding="utf-8")
    assert text == report.readme(text, found), "run `python -m benchmarks.report`"


def test_the_readme_shows_every_goal_between_its_marks():
    goals = [
        {"what": "speed", "bound": "at least 1", "value": 0.5, "met": False, "note": ""},
        {"what": "size", "bound": "at most 2", "value": 1, "met": True, "note": ""},
    ]
    text = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
    filled = report.readme(text, [{"title": "Speed", "goals": goals}, {"title": "No goals", "goals": []}])
    assert (filled.partition("\n")[0], filled.rpartition("\n\n")[2], "old" in filled) == (
        "before",
        f"{report.END}\nafter\n",
        False,
    )
    assert "| Speed | speed | at least 1 | 0.5 | **missed** |" in filled
    assert "| Speed | size | at most 2 | 1 |  |" in filled
    assert report.readme(filled, []) != filled
    with pytest.raises(ValueError, match="missing"):
        report.readme("no marks", [])
