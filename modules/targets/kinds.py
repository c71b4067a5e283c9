"""Which kinds of target there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from modules.kinds import read_section
from modules.registry import Registry
from modules.targets.base import Target

from pydantic import BeforeValidator, SerializeAsAny

TARGETS: Registry[type[Target]] = Registry(
    "target",
    {
        "one_label": "modules.targets.one_label.target:OneLabel",
        "many_labels": "modules.targets.many_labels.target:ManyLabels",
        "number": "modules.targets.number.target:Number",
    },
)
TargetSection = Annotated[
    SerializeAsAny[Target], BeforeValidator(lambda section: read_section(TARGETS, section))
]  # a target as a field of settings, read by its kind
ONE_LABEL = "one_label"  # what a configuration with `labels` has


def read(section: Mapping[str, Any]) -> Target:
    """The target that a node's settings describe.

    Args:
        section: of the target, with its `kind`.

    Raises:
        UnknownKindError: there is no such kind; its module may be missing among `extensions`.
        pydantic.ValidationError: the section is wrong.
    """
    return TARGETS[section["kind"]].model_validate(section)
