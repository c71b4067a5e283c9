"""The parameters of an execution on this machine: the file's defaults, what is given, and folders that exist here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config.loader import ConfigError
from pipeline.kubeflow.contract.options import ROOT_PARAMETER
from pipeline.kubeflow.contract.specification import Specification

_PARSE = {"NUMBER_INTEGER": int, "INT": int, "NUMBER_DOUBLE": float, "DOUBLE": float}


# Those of the file exist in a cluster only.
_FOLDERS = {"push_root": "pushed", ROOT_PARAMETER: "pipeline_root"}


def values(specification: Specification, given: Mapping[str, str], root: Path) -> dict[str, Any]:
    """All parameters of a run.

    Args:
        specification: with the declared parameters.
        given: by name, as text.
        root: of the execution; blessed models go to `pushed` below it unless `push_root` is given, and artifacts of a
            volume to `pipeline_root` unless that is.

    Raises:
        ConfigError: an unknown name, a value of another type, or a parameter without a value.
    """
    declared = specification.inputs
    for name in given:
        if name not in declared:
            raise ConfigError(f"--param {name}: there is no such parameter; there are: {', '.join(sorted(declared))}.")
    found: dict[str, Any] = {}
    for name, item in declared.items():
        if name in given:
            kind = item.get("parameterType") or item.get("type", "")
            try:
                found[name] = _PARSE.get(kind, str)(given[name])
            except ValueError:
                raise ConfigError(f"--param {name}={given[name]}: expected a number.") from None
        elif name in _FOLDERS:
            found[name] = f"{root}/{_FOLDERS[name]}"
        elif "defaultValue" in item:
            found[name] = item["defaultValue"]
        else:
            raise ConfigError(f"--param {name}=… is missing: the file has no default for it.")
    return found
