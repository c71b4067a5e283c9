"""Renders the facts of a run into one HTML file that needs nothing but a browser: no network, no other file.

Texts come from anywhere, so Jinja escapes everything, JSON included, and a content security policy allows the page's
two scripts alone, by their digests, and no connection to anywhere.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.quality.slice_names import shown_name, shown_value
from modules.registry import load
from modules.report.plots import theme
from modules.report.plots.data import data_plots
from modules.report.plots.edge import edge_plots
from modules.report.plots.graph import graph_plots
from modules.report.plots.inputs import inputs_plots
from modules.report.plots.learning import training_plots, tuning_plots
from modules.report.plots.plot import Plot, percent
from modules.report.plots.quality import MODELS, quality_plots
from modules.report.words import words_of
from modules.targets.kinds import TARGETS
from modules.tflite import main_score

import jinja2
import yaml
from plotly.offline import get_plotlyjs

TEMPLATES = Path(__file__).parent / "templates"


def render(facts: Mapping[str, Any], run: Mapping[str, Any] | None = None) -> str:
    """Renders the page.

    Args:
        facts: what `modules.report.facts.gather.gather` gave, with or without what a model adds to it.
        run: of the run that the page is of, where it is known: `run_id`, `profile`, `state`, `failed_node`, `error`,
            `started`, `revision`, `data`, `states` and `seconds` by node, `total_seconds`, `cache_hits`. On an
            orchestrator that tells a node nothing of its run, None.

    Returns:
        The HTML document.
    """
    return document(
        "report.html.j2",
        _plots(facts, run),
        facts=facts,
        run=run,
        metrics=facts["metrics"],
        lower_is_better=TARGETS[facts["target"]].lower_is_better,
        models=MODELS,
        config=yaml.safe_dump(facts["provenance"]["config"], sort_keys=False, allow_unicode=True, width=100),
    )


def document(
    template: str, plots: Mapping[str, Sequence[Plot]], *, folder: Path | None = None, **values: Any
) -> str:  # fmt: skip
    """Renders a page of this kind.

    Args:
        template: name of the file.
        plots: by section.
        folder: of the template, if it is another than this room's, whose templates it may import.
        **values: what the template names, besides what all pages have.

    Returns:
        The HTML document.
    """
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    figures = {plot.name: json.loads(plot.figure.to_json()) for section in plots.values() for plot in section}
    for figure in figures.values():
        figure["layout"].pop("template", None)  # the page puts its own in, by what its reader prefers
    return _environment(folder).get_template(template).render(
        plots=plots,
        figures=figures,
        themes=theme.templates(),
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        plotly=get_plotlyjs(),
        script=script,
        policy=_policy(get_plotlyjs(), script),
        **values,
    )  # fmt: skip


def _plots(facts: Mapping[str, Any], run: Mapping[str, Any] | None) -> dict[str, list[Plot]]:
    labels, target = facts["labels"], TARGETS[facts["target"]]
    path, lower = target.parts.get("plots"), target.lower_is_better
    own = load(path) if path else lambda section, names: []
    makers = {
        "data": lambda section: data_plots(section, labels),
        "tuning": tuning_plots,
        "training": training_plots,
        "quality": lambda section: [
            *quality_plots(section, facts["metrics"], lower_is_better=lower),
            *inputs_plots(facts.get("inputs"), facts["metrics"]),
            *own(section, labels),
        ],
        "compression": edge_plots,
    }
    found = {name: make(facts[name]) if facts[name] else [] for name, make in makers.items()}
    return {**found, "graph": graph_plots(facts["graph"], run)}


@functools.cache
def _environment(folder: Path | None) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*([folder] if folder else []), TEMPLATES]),
        autoescape=True,
        extensions=["jinja2.ext.do"],
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "words": words_of, "main_score": main_score.of}
    environment.filters |= {"slice_name": shown_name, "value": shown_value}
    return environment


def _policy(*scripts: str) -> str:
    """Allows these scripts and inline styles (Plotly's), and nothing from anywhere else."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
