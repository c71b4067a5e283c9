"""Asks a version what was asked when it was pushed, and compares: the files may be whole and the answers wrong.

`probes.jsonl` travels with a push, beside its model card: a line is `{"instance": …, "prediction": …}`, a real row and
the answer to it, both as in KServe's V1 protocol. A bundle of more than a text has some in its manifest.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeline_serving.backends.base import Answer, Backend
from edgeline_serving.errors import ProbeError, RequestError, VersionError
from edgeline_serving.wire.forms import row_of

PROBES_FILE = "probes.jsonl"
PLACES = ("assets.extra", ".")
_SECONDS = 120.0
_ROUNDING = 1e-6  # of float32, on one machine
_GREETING = "This is a text."


@dataclasses.dataclass(frozen=True)
class Probe:
    """A row and the answer to it.

    Attributes:
        instance: as in a request.
        prediction: what the push expects.
    """

    instance: Any
    prediction: Answer


def read(place: Path) -> list[Probe]:
    """Reads the probes of a version.

    Args:
        place: its folder, or the bundle where it stands alone.

    Returns:
        Nothing where the push has none.

    Raises:
        VersionError: the file cannot be read; the message names the line.
    """
    folder = place.parent if place.is_file() else place
    for name in PLACES:
        file = folder / name / PROBES_FILE
        if file.is_file():
            return [_parsed(file, number, line) for number, line in enumerate(_lines(file), start=1) if line.strip()]
    return []


def check(backend: Backend, probes: Sequence[Probe], tolerance: float) -> int:
    """Asks all probes; without any, whether the version answers at all.

    Args:
        backend: the loaded version.
        probes: what to ask.
        tolerance: largest difference of a number. Where scores moved within it, another label counts, too: theirs was
            a close decision.

    Returns:
        How many probes were asked.

    Raises:
        ProbeError: an answer is another one; the message names the probe's number, and no text of it.
        VersionError: the machine did not get round to it.
    """
    asked = [probe.instance for probe in probes] or _made_up(backend)
    if not asked:
        return 0
    over = threading.Event()
    try:
        rows = [row_of(instance, backend.columns, f"probe {number}") for number, instance in enumerate(asked, start=1)]
        answers = backend.submit(rows, over.is_set).result(_SECONDS)
    except TimeoutError as error:
        over.set()
        raise VersionError(f"the probes were not answered in {_SECONDS:g} s") from error
    except RequestError as error:
        raise ProbeError(f"the model does not read what the push expects it to: {error}") from error
    except Exception as error:  # whatever the model's runtime raises
        raise ProbeError(f"the probes are not answered: {type(error).__name__}") from error
    for number, answer in enumerate(answers, start=1):
        if "error" in answer and not (probes and "error" in probes[number - 1].prediction):
            raise ProbeError(f"probe {number} of {len(asked)} is refused")
    for number, (probe, answer) in enumerate(zip(probes, answers, strict=False), start=1):
        problem = difference(probe.prediction, answer, tolerance)
        if problem:
            raise ProbeError(f"probe {number} of {len(probes)}: {problem}")
    return len(probes)


def difference(expected: Answer, answer: Answer, tolerance: float) -> str:
    """What is other in an answer than in the expected one; empty where nothing is.

    Args:
        expected: of the push, or of another version; what it does not name counts for nothing.
        answer: to the same row.
        tolerance: largest difference of a number.
    """
    if not set(expected) <= set(answer):
        return f"it has {', '.join(sorted(answer)) or 'nothing'}, expected {', '.join(sorted(expected))}"
    for name, value in expected.items():
        problem = _other(name, value, answer[name], tolerance)
        if problem and not (name in ("label", "labels") and _close(expected, answer, tolerance)):
            return problem
    return ""


def _close(expected: Answer, answer: Answer, tolerance: float) -> bool:
    """Whether another label is but rounding: the scores moved, or two of them are as good as equal.

    Which label follows from scores, a threshold may decide, that nobody knows here.
    """
    scores, found = expected.get("scores"), answer.get("scores")
    if not (isinstance(scores, Mapping) and isinstance(found, Mapping) and set(scores) == set(found)):
        return False
    moved = max((abs(float(scores[name]) - float(found[name])) for name in scores), default=0.0)
    return moved > _ROUNDING or _margin(scores) < 2 * tolerance


def _other(name: str, expected: Any, value: Any, tolerance: float) -> str:
    if isinstance(expected, Mapping) and isinstance(value, Mapping):
        if set(expected) != set(value):
            return f"{name} are of {', '.join(map(str, value))}, expected {', '.join(map(str, expected))}"
        return next(
            filter(None, (_other(f"{name}.{key}", expected[key], value[key], tolerance) for key in expected)), ""
        )
    if isinstance(expected, list) and isinstance(value, list) and len(expected) == len(value):
        pairs = zip(expected, value, strict=True)
        return next(filter(None, (_other(f"{name}[{i}]", *pair, tolerance) for i, pair in enumerate(pairs))), "")
    if _is_number(expected) and _is_number(value):
        # Not `>`: what is not a number is other. Scores are 0 to 1; a number has a unit, and rounds with its size.
        near = abs(expected - value) <= tolerance * max(1.0, abs(expected))
        return "" if near else f"{name} is {value:.4f}, expected {expected:.4f}"
    return "" if expected == value else f"{name} is another one"


def _margin(scores: Mapping[str, Any]) -> float:
    highest = sorted(map(float, scores.values()), reverse=True)[:2]
    return highest[0] - highest[1] if len(highest) == 2 else 1.0


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _made_up(backend: Backend) -> list[Any]:
    """Something to ask a version that brings no probes: none where columns are more than a text."""
    [*columns] = backend.columns
    return [{columns[0].name: _GREETING}] if len(columns) == 1 and columns[0].datatype == "BYTES" else []


def _lines(file: Path) -> list[str]:
    try:
        # Not `splitlines`: a text may hold what Unicode takes for the end of a line.
        return file.read_text("utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise VersionError(f"{file}: cannot be read: {error}") from error


def _parsed(file: Path, number: int, line: str) -> Probe:
    try:
        found = json.loads(line)
        return Probe(found["instance"], dict(found["prediction"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise VersionError(f'{file}:{number}: must be {{"instance": …, "prediction": …}}') from error
