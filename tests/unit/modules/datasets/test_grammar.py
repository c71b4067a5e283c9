"""`modules.datasets.grammar`: sentences out of templates."""

import random

from modules.datasets.grammar import Grammar, TemplateError

import pytest

GRAMMAR = Grammar(
    {"the": "(the|my)", "again": "<again>"},
    {"state": {"values": [{"in": "on"}, {"in": "off"}]}, "percent": {"range": {"from": 0, "to": 100, "step": 10}}},
    {"name": ["lamp"]},
    ["milk"],
)


def test_a_template_gives_sentences_of_its_grammar():
    chance = random.Random(1)
    found = {GRAMMAR.sentence("turn [<the>] {name:thing} {state}|set {percent} %", chance) for _ in range(300)}
    assert {"turn lamp on", "turn lamp off", "turn the lamp on", "turn my lamp off", "set 0 %", "set 100 %"} <= found
    assert not {sentence for sentence in found if set(sentence) & set("[]()<>{}|")}
    assert {GRAMMAR.sentence("(a;b) {item}", chance) for _ in range(50)} == {"a b milk", "b a milk"}


@pytest.mark.parametrize(
    ("template", "told"), [("(a|b", "is missing"), ("a]", "closes nothing"), ("<no>", "no rule"), ("<again>", "itself")]
)
def test_a_template_that_cannot_be_read_is_named(template: str, told: str):
    with pytest.raises(TemplateError, match=told):
        GRAMMAR.sentence(template, random.Random(0))
