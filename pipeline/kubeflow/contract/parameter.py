"""A parameter of a run that stays open in a compiled pipeline, and where it goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from pipeline import nodes
from pipeline.config.loader import ConfigError
from pipeline.config.task import Config
from pipeline.kubeflow.contract.bindings import Binding

STRING, INTEGER, NUMBER = "STRING", "NUMBER_INTEGER", "NUMBER_DOUBLE"
# Where a parameter's place can be told only from the compiled settings, a function finds it there.
Place = Binding | Callable[[Mapping[str, Any]], Binding]


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter of a run.

    Attributes:
        name: as on the command line of `submit` and `execute`.
        kind: Kubeflow's name of the type.
        default: what holds unless the run says otherwise.
        help: one line.
        places: by node, what it decides.
    """

    name: str
    kind: str
    default: str | int | float
    help: str
    places: Mapping[str, tuple[Place, ...]]

    def parse(self, text: str) -> str | int | float:
        """A value from the command line.

        Raises:
            ConfigError: the text is no such value.
        """
        try:
            return {STRING: str, INTEGER: int, NUMBER: float}[self.kind](text)
        except ValueError:
            what = "a whole number" if self.kind == INTEGER else "a number"
            raise ConfigError(f"--param {self.name}={text}: expected {what}.") from None


def places(
    parameter: str, fact: str, below: str = "", *, config: Config, lookups: str, job: Any = None
) -> dict[str, tuple[Binding, ...]]:
    """Where a parameter goes, by node, as `takes` of the table of nodes says.

    Args:
        parameter: its name.
        fact: a key of `pipeline.node.Node.takes`.
        below: rest of the JSON Pointer, where the table's leads to a section.
        config: the task's configuration.
        lookups: how the orchestrator looks up earlier results; a query has no settings.
        job: what Vertex AI's jobs need; None anywhere else.
    """
    found: dict[str, tuple[Binding, ...]] = {}
    for name, row in nodes.of(config, job).items():
        bound = tuple(
            Binding(parameter, item.prop, item.pointer + below, form=item.form, part=item.part)
            for item in row.takes.get(fact, ())
            if (lookups in item.lookups if item.lookups else lookups not in row.query) and item.when(config, job)
        )
        if bound:
            found[name] = bound
    return found
