"""`pipeline.facts`: an output is found by its key where one node gives it, and refused where that says too little."""

from __future__ import annotations

import pytest

from pipeline import facts


def test_an_output_is_found_by_its_key() -> None:
    assert facts.giving("bundle") == ("EdgeEvaluator", "bundle")


@pytest.mark.parametrize(("output", "told"), [("examples", "ExampleGen, ServingExampleGen"), ("bundel", "no node")])
def test_an_output_of_several_nodes_or_none_is_refused(output: str, told: str) -> None:
    with pytest.raises(LookupError, match=rf"'{output}' is given by {told}, not by one"):
        facts.giving(output)
