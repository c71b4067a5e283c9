from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.local import session

sys.path.insert(0, str(Path(__file__).parent.parent))

import tiny
from tiny import run_task

Runner = Callable[..., session.Outcome]
Records = list[Counter[str]]


@pytest.fixture(scope="session")
def task(tmp_path_factory: pytest.TempPathFactory) -> tiny.TinyTask:
    return tiny.make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def _first(task: tiny.TinyTask) -> tuple[session.Outcome, Records]:
    with _beam_records() as records:
        outcome = run_task(task)
    assert outcome.error is None, outcome.error
    return outcome, records


@pytest.fixture(scope="session")
def first_run(_first: tuple[session.Outcome, Records]) -> session.Outcome:
    return _first[0]


@pytest.fixture(scope="session")
def first_run_records(_first: tuple[session.Outcome, Records]) -> Records:
    """What our reader and writer counted in the first run: one item a Beam pipeline that came by them, in order."""
    return _first[1]


@contextlib.contextmanager
def _beam_records() -> Iterator[Records]:
    """Filled when it ends."""
    import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

    import apache_beam as beam

    from pipeline.tfx_gaps import batched_reader

    results: list[Any] = []
    run = beam.Pipeline.run

    def recorded(self: beam.Pipeline, *args: Any, **options: Any) -> Any:
        result = run(self, *args, **options)
        results.append(result)
        return result

    counts: Records = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beam.Pipeline, "run", recorded)
        yield counts
    chosen = beam.metrics.MetricsFilter().with_namespace(batched_reader.COUNTERS)
    for result in results:
        found: Counter[str] = Counter()
        for item in result.metrics().query(chosen)["counters"]:
            found[item.key.metric.name] += item.committed
        counts.extend([found] if found else [])


@pytest.fixture(scope="session")
def run(task: tiny.TinyTask, first_run: session.Outcome) -> Runner:
    """Runs the tiny task again, with overrides of the configuration."""
    return lambda *overrides, **options: run_task(task, *overrides, **options)
