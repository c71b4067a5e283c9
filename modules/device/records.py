"""What a device is told of the inputs, and how it is asked about rows: texts, or records of all columns."""

from __future__ import annotations

import base64
from typing import Any

from modules.inputs import kinds as inputs_lib
from modules.inputs.base import Input
from modules.inputs.roles import DeviceStep
from modules.network.trained import read_architecture
from modules.rows.raw import RawSplit

# Shorter than this, nothing was said; the edge package refuses empty texts, and cleaning removes them.
_EMPTY = " "


def device_steps(folder: str, inputs: inputs_lib.Inputs, *, whole: bool = False) -> dict[str, Any]:
    """What the inputs of a network say that a device must do before the model: `write_bundle`'s arguments.

    Args:
        folder: of the network, with its `architecture.json`, which says what its inputs have learnt.
        inputs: of the task.
        whole: whether the manifest lists the inputs even where a text is the only one.

    Returns:
        `vocabulary`, and where the inputs are listed `inputs` and `probes`; else `of_text`, what the
        manifest itself says of the only one.

    Raises:
        CheckpointError: there is no architecture.
        ValueError: no device can compute an input.
    """
    architecture = read_architecture(folder)
    main = inputs_lib.with_backbone(inputs)
    parts: dict[str, Input] = {main.name: main} if main else {}
    parts |= inputs_lib.read(architecture.inputs)
    steps: dict[str, DeviceStep] = {}
    for name, part in parts.items():
        step = part.part("device")
        if step is None:
            raise ValueError(f"{folder}: no device can compute an input of kind {part.kind}")
        steps[name] = step(part, folder)
    made: dict[str, Any] = {"vocabulary": steps[main.name].words if main else ()}
    if main and len(parts) == 1 and not whole:
        return made | {"of_text": steps[main.name].section}
    made["inputs"] = [
        {
            **{"name": name, "kind": part.kind, "column": part.column},
            "tensors": [tensor.name for tensor in part.tensors()],
            **steps[name].section,
        }
        for name, part in parts.items()
    ]
    count = max(len(step.probes) for step in steps.values())
    made["probes"] = [
        {part.column: steps[name].probes[row % len(steps[name].probes)] for name, part in parts.items()}
        for row in range(count)
    ]
    return made


def rows_of(split: RawSplit, column: str, *, records: bool) -> list[Any]:
    """The rows of a split as a bundle is asked about them: texts, or records of all columns.

    Args:
        split: the rows.
        column: the field of a record that holds the text; empty where the model reads none, or a text alone.
        records: whether the bundle takes records.
    """
    texts = [text or _EMPTY for text in split.texts]
    if not records:
        return texts
    others = {name: [_in_json(value) for value in values] for name, values in split.others.items()}
    return [
        {**({column: text} if column else {}), **{name: values[row] for name, values in others.items()}}
        for row, text in enumerate(texts)
    ]


def _in_json(value: Any) -> Any:
    """A value as a record in JSON has it: nothing for a number that is missing, since NaN is none; bytes in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return None if value != value else value
