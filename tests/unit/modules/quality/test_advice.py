"""`modules.quality.advice`: each line follows from a number of the run, and names the setting to change."""

from __future__ import annotations

import copy
from typing import Any

import modules  # noqa: F401
from modules.inputs import kinds
from modules.quality.advice import wanted, what_to_try
from modules.targets.one_label.target import OneLabel
from modules.training.settings import TrainerSettings

import pytest

CONFIG: dict[str, Any] = {
    "data": {"train_fraction": 1.0},
    "trainer": TrainerSettings().model_dump(mode="json"),
    "tuner": {"enabled": True},
}
TARGET = OneLabel(labels=["a", "b"])
ALL = [0, 1, 2, 3, 4, 5]


def inputs(name: str = "text", window: int = 64, layers: list[int] = ALL) -> kinds.Inputs:
    backbone = {"kind": "minilm", "layers": layers}
    return kinds.read({name: {"kind": "text", "sequence_length": window, "backbone": backbone}})


TRAINING = {
    "settings": TrainerSettings(epochs=30, batch_size=10).model_dump(mode="json"),
    "rows": 1000,
    "replicas": 1,
    "history": {"val_macro_f1": [0.5, 0.7, 0.6, *[0.6] * 20]},
}
TEXTS = {"unknown_token_rate": 0.01, "tokens": {"8": 100}, "labels": {"a": 60, "b": 40}}  # 15 tokens


def advice(config: dict[str, Any] | None = None, training: Any = None, texts: Any = None) -> str:
    whole, layers = copy.deepcopy(CONFIG), ALL
    for field, value in (config or {}).items():
        if field == "layers":
            layers = value
        else:
            section, _, name = field.partition(".")
            whole[section][name] = value
    profiles = {"text_profile.json": {**TEXTS, **(texts or {})}}
    return "\n".join(what_to_try(whole, inputs(layers=layers), TARGET, {**TRAINING, **(training or {})}, profiles.get))


@pytest.mark.parametrize(
    ("config", "training", "texts", "told"),
    [
        ({}, {"history": {"val_macro_f1": [0.3]}}, {}, "it had 100 steps of the optimizer; trainer.epochs=auto"),
        ({}, {"history": {"val_macro_f1": [0.3] * 10 + [0.4]}}, {}, "epoch 11, the last one, was still the best"),
        (
            {"trainer.epochs": "auto"}, {"history": {"val_macro_f1": [*[0.3] * 10, 0.4]}}, {},
            "epoch 11, the last one, was still the best on eval; trainer.min_steps=2200",
        ),
        ({}, {}, {"unknown_token_rate": 0.65}, "65% of their tokens are unknown"),
        ({"data.train_fraction": 0.4}, {}, {}, "this profile trains on 40% of them; data.train_fraction=1"),
        ({}, {}, {"tokens": {"8": 80, "14": 20}}, "about 20% of the texts have more than the 64 tokens"),
        ({}, {}, {"tokens": {"14": 20}}, "; preprocessing.long_text=head_tail reads their end, too"),
        ({"layers": [0, 2, 5]}, {}, {}, "backbone.layers=[0,1,2,3,4,5], where [0, 2, 5] is used"),
        ({}, {}, {"labels": {"a": 87, "b": 13}}, "b has 13 rows; trainer.class_weights=balanced"),
        ({"tuner.enabled": False}, {}, {}, "tuner.enabled=true"),
    ],
)  # fmt: skip
def test_what_is_short_is_named_with_its_number_and_alone(config: Any, training: Any, texts: Any, told: str) -> None:
    found = advice(config, training, texts)
    assert told in found
    assert "\n" not in found, "nothing else was short"


def test_where_nothing_is_short_the_linear_model_is_an_answer() -> None:
    assert advice() == (
        "more labelled rows, or the linear model itself: on these rows the network found no more than it"
    )
    assert what_to_try(CONFIG, inputs(), TARGET, None, {}.get) == [advice()], "of a run whose other nodes left nothing"
    assert what_to_try(CONFIG, {}, TARGET, None, {}.get) == [advice()], "of a task without a text"


def test_settings_of_a_named_input_are_named_with_their_place() -> None:
    profiles = {"words_profile.json": TEXTS | {"tokens": {"12": 10}}}
    told = what_to_try({**CONFIG, "inputs": {"words": {}}}, inputs("words", 16, [0]), TARGET, TRAINING, profiles.get)
    found = "\n".join(told)
    assert "the 16 tokens of inputs.words.sequence_length" in found
    assert "inputs.words.backbone.layers=[0,1,2,3,4,5]" in found


def test_a_proven_model_needs_no_advice_unless_its_student_beats_it() -> None:
    better, noise = {"verdict": "better"}, {"verdict": "within noise"}
    assert not wanted(better, None)
    assert not wanted(better, noise)
    assert wanted(noise, None)
    assert wanted(better, better)
    assert not wanted(None, None)


def test_of_a_head_that_was_fitted_alone_fine_tuning_is_what_is_left() -> None:
    settings = TrainerSettings(probe="only").model_dump(mode="json")
    told = advice(training={"settings": settings, "history": {}})
    assert "trainer.probe=first" in told
    assert "longer training" not in told
