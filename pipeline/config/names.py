"""Names that a task may not use: what the last node cannot take, the first check must know.

Our own features stand beside the columns of the rows; a label, a column or a folder goes into files, metrics and pages
that know no line break. Nothing here imports TensorFlow or TFX.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from modules.inputs import kinds as inputs_lib
from modules.targets.base import Target

from pipeline.config.messages import shown

TEXT_HASH = "text_hash"  # what ExampleGen adds to every row, and splits by
SPLIT_KEY = "split_key"  # what it adds and splits by where a column decides (`data.splits`)
_LONGEST = 500  # bytes of a label or a column's name
_LONGEST_COMPONENT = 255  # bytes of a file's or a folder's name, on every usual file system
_GLOB = "*?["


def check(inputs: inputs_lib.Inputs, target: Target, slices: Sequence[str]) -> None:
    """Refuses names that a later node could not take.

    Args:
        inputs: of the task.
        target: of the task.
        slices: the slice columns.

    Raises:
        ValueError: a name is one of our own, or cannot be written where it has to stand.
    """
    columns = [column.name for part in (inputs_lib.columns(inputs), target.columns()) for column in part]
    for name in (TEXT_HASH, SPLIT_KEY):
        if name in (*columns, *slices):
            raise ValueError(_reserved(name))
    ours = {tensor.name for tensor in (*inputs_lib.tensors(inputs), target.tensor())}
    for name in slices:
        if name in ours and name not in columns:
            raise ValueError(_reserved(name))
    for where, names in (("labels", target.names), ("data.columns", columns), ("data.columns.slices", slices)):
        for name in names:
            problem = _problem(name)
            if problem:
                raise ValueError(f"{where}: {shown(name)} {problem}")


def path_problem(path: Path) -> str:
    """What keeps a folder from being one of runs; empty if nothing does.

    Args:
        path: the folder.
    """
    text = str(path)
    wild = next((character for character in text if character in _GLOB), "")
    if wild:
        return f"holds {wild!r}, which TFX takes for a pattern; choose a path without any of {' '.join(_GLOB)}"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        return "holds a line break or another control character; choose a path without"
    long = next((part for part in path.parts if len(part.encode()) > _LONGEST_COMPONENT), "")
    return f"has a part of more than {_LONGEST_COMPONENT} bytes ({shown(long)}); choose a shorter one" if long else ""


def _reserved(name: str) -> str:
    return f"data.columns: {name!r} is the name of a feature that the pipeline makes; rename the column in the rows"


def _problem(name: str) -> str:
    if not name or name.isspace():
        return "is empty; it needs a name"
    # Line and paragraph separators end a line like the control characters do.
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        return "holds a line break or another control character, which no later node can take; change it in the rows"
    if len(name.encode()) > _LONGEST:
        return f"has more than {_LONGEST} bytes; choose a shorter name"
    return ""
