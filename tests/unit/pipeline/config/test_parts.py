"""`inputs` and `target` of a configuration: both forms, and what does not fit together."""

from __future__ import annotations

from pathlib import Path

from modules.targets.kinds import TARGETS

import pytest

from pipeline import nodes
from pipeline.config.loader import ConfigError, dump, load

SHORT = """
task: reviews
labels: [bad, good]
schema_path: schema.pbtxt
data: {path: rows.csv, columns: {text: body, label: mood}}
preprocessing: {sequence_length: 32}
backbone: {kind: minilm, layers: [0, 5]}
"""
EXPLICIT = """
task: reviews
schema_path: schema.pbtxt
data: {path: rows.csv}
inputs:
  text: {kind: text, column: body, sequence_length: 32, backbone: {kind: minilm, layers: [0, 5]}}
target: {kind: one_label, column: mood, labels: [bad, good]}
"""


@pytest.fixture
def explicit(tmp_path: Path) -> Path:
    return write(tmp_path, EXPLICIT)


def write(folder: Path, text: str) -> Path:
    (folder / "a.yaml").write_text(text)
    return folder / "a.yaml"


def test_the_short_form_is_one_text_and_one_label(tmp_path: Path, explicit: Path) -> None:
    long = load(explicit)
    short = load(write(tmp_path, SHORT))
    assert (short.inputs, short.target) == (long.inputs, long.target)
    assert short.inputs["text"].column == "body"
    assert short.target.names == ["bad", "good"]


@pytest.mark.parametrize("text", [SHORT, EXPLICIT], ids=["short", "explicit"])
def test_what_is_written_out_is_in_the_form_that_was_used_and_reads_back(tmp_path: Path, text: str) -> None:
    config = load(write(tmp_path, text))
    written = dump(config)
    assert ("\ninputs:" in written) == (text == EXPLICIT)
    assert load(write(tmp_path, written)) == config


DECISION = "target: {positive: good, decision: {threshold: auto}}\n"


def test_beside_labels_a_target_may_say_the_rest(tmp_path: Path) -> None:
    config = load(write(tmp_path, SHORT + DECISION))
    assert config.target.model_dump(include={"kind", "column", "labels", "positive"}) == {
        "kind": "one_label", "column": "mood", "labels": ["bad", "good"], "positive": "good",
    }  # fmt: skip
    assert config.target.is_open
    assert load(write(tmp_path, dump(config))) == config
    plain = write(tmp_path, SHORT)
    chosen = load(plain, overrides=["target.positive=bad", "target.decision.threshold=0.3"]).target
    assert chosen.device_decision == {"label": "bad", "threshold": pytest.approx(0.3)}
    assert load(plain).target.device_decision is None


def test_a_threshold_for_three_labels_is_refused_with_the_field(tmp_path: Path) -> None:
    three = SHORT.replace("[bad, good]", "[bad, fair, good]") + "target: {decision: {threshold: auto}}\n"
    with pytest.raises(ConfigError, match=r"target.*decision.threshold is for two labels, and there are 3"):
        load(write(tmp_path, three))
    with pytest.raises(ConfigError, match="pr_auc"):
        load(write(tmp_path, SHORT), overrides=["evaluator.thresholds={pr_auc: {min: 1.5}}"])


def test_a_backbone_gets_its_defaults_and_its_checks(explicit: Path) -> None:
    scratch = load(explicit, overrides=["inputs.text.backbone={kind: scratch}"])
    assert scratch.inputs["text"].model_dump()["backbone"]["num_layers"] == 2
    with pytest.raises(ConfigError, match="num_layer"):
        load(explicit, overrides=["inputs.text.backbone={kind: scratch, num_layer: 1}"])


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("labels=[bad, good]", ["target and labels say the same thing twice"]),
        ("data.columns.label=x", ["target and data.columns.label"]),
        ("backbone={kind: minilm}", ["inputs and backbone say the same thing twice"]),
        ("data.columns.text=x", ["inputs and data.columns.text"]),
        ("preprocessing.sequence_length=9", ["inputs and preprocessing"]),
        (
            "inputs.title={kind: text, column: title, backbone: {kind: scratch}}",
            ["inputs: text and title all have a backbone", "one at most", "kinds encode themselves"],
        ),
        ("validator.inputs={sound: {loud: 0.1}}", ["validator.inputs: there is no input 'sound'", "text"]),
        ("validator.inputs={text: {length: 0.1}}", ["validator.inputs.text: length is nothing", "length_tokens"]),
        ("inputs.text.kind=sound", ["inputs.text.kind", "set it to a kind of input", "text", "extensions"]),
        ("inputs.text.colum=x", ["inputs.text.colum", "there is no such field", "`column`", "sequence_length"]),
        ("inputs.text.sequence_length=4", ["inputs.text.sequence_length", "8"]),
        ("target.labels=[a, a]", ["target", "holds a name twice"]),
        ("target.kind=two", ["target.kind", "one_label"]),
        ("target.column=body", ["'body' is a column of an input"]),
        ("data.columns.slices=[mood]", ["data.columns.slices", "'mood' is the target's column"]),
    ],
)
def test_what_does_not_fit_is_told_with_the_field(explicit: Path, override: str, parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(explicit, overrides=[override])
    for part in parts:
        assert part in str(caught.value)


def test_labels_or_a_target_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="labels: is missing; name the labels, or set `target`"):
        load(write(tmp_path, SHORT.replace("labels: [bad, good]\n", "")))


def test_what_no_device_can_compute_is_refused_unless_no_bundle_is_made(explicit: Path) -> None:
    own = ["extensions=[tests.toys.letter_count, tests.toys.two_way]"]
    letters = "inputs.letters={kind: letter_count, column: title}"
    with pytest.raises(ConfigError, match=r"inputs\.letters: no device can compute an input of kind letter_count"):
        load(explicit, overrides=[*own, letters])
    assert list(load(explicit, overrides=[*own, letters, "edge=false"]).inputs) == ["text", "letters"]
    with pytest.raises(ConfigError, match=r"target: no device can answer a target of kind two_way"):
        load(explicit, overrides=[*own, "target={kind: two_way, column: mood, positive: good, negative: bad}"])


def test_a_bound_on_a_metric_that_the_target_does_not_have_is_refused(explicit: Path) -> None:
    own = ["extensions=[tests.toys.two_way]", "edge=false"]
    target = "target={kind: two_way, column: mood, positive: good, negative: bad}"
    with pytest.raises(ConfigError, match=r"evaluator\.thresholds\.accuracy: accuracy is none .* two_way .*are: auc"):
        load(explicit, overrides=[*own, target, "evaluator.thresholds={accuracy: {min: 0.5}}"])


def test_a_task_may_have_no_backbone_and_then_nothing_that_is_for_texts(tmp_path: Path) -> None:
    [text] = [line for line in EXPLICIT.splitlines() if line.startswith("  text: ")]
    letters = EXPLICIT.replace(text, "  letters: {kind: letter_count, column: title}")
    explicit, alone = write(tmp_path, letters), ["extensions=[tests.toys.letter_count]"]
    with pytest.raises(ConfigError, match=r"inputs\.letters: no device can compute .*set edge: false"):
        load(explicit, overrides=alone)
    alone.append("edge=false")
    assert list(load(explicit, overrides=alone).inputs) == ["letters"]
    with pytest.raises(ConfigError, match="inputs: is empty; name one input at least"):
        load(write(tmp_path, EXPLICIT.replace(f"inputs:\n{text}", "inputs: {}")))
    write(tmp_path, letters)
    for setting in ("data.cleaning.near_duplicates=0.9", "data.cleaning.languages=[en]", "data.augmentation.share=1"):
        with pytest.raises(ConfigError, match="is for texts, and no input with a backbone reads one"):
            load(explicit, overrides=[*alone, setting])


SPACE = "space: [{name: dropout, kind: float, min: 0, max: 0.1}]"


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("evaluator.thresholds={maee: {max: 1}}", ["evaluator.thresholds.maee", "kind stars", "Did you mean `mae`?"]),
        ("evaluator.fairness.bounds={source: {mae: {max_gap: 0.1}}}", ["evaluator.fairness.bounds.source.mae", "none"]),
        (f"tuner={{enabled: true, objective: val_accuracy, {SPACE}}}", ["tuner.objective", "val_mae, val_loss"]),
        ("trainer.label_smoothing=0.1", ["trainer.label_smoothing", "kind stars has no labels", "set it to 0"]),
        ("evaluator.beats_baseline.metric=accuracy", ["beats_baseline.metric", "models are compared by", "mae"]),
        ("evaluator.other_labels=shared", ["evaluator.other_labels", "kind stars has no labels", "not_compared"]),
        (
            "trainer.class_weights=balanced",
            ["trainer.class_weights", "kind stars", "no classes to weigh", "set it to none"],
        ),
        ("data.augmentation.balance=true", ["data.augmentation.balance", "kind stars has no labels", "false"]),
        ("edge=true", ["target: no device can answer a target of kind stars", "edge: false"]),
    ],
)
def test_what_a_number_does_not_have_is_refused_with_the_setting_to_change(
    explicit: Path, override: str, told: list[str]
) -> None:
    own = ["extensions=[tests.toys.stars]", "edge=false", "target={kind: stars, column: stars}"]
    with pytest.raises(ConfigError) as error:
        load(explicit, overrides=[*own, "data.columns.slices=[source]", override])
    assert all(part in str(error.value) for part in told), error.value


def test_the_search_improves_the_objective_of_the_target_where_none_is_named(explicit: Path) -> None:
    own = ["extensions=[tests.toys.stars]", "edge=false", f"tuner={{enabled: true, {SPACE}}}"]
    assert load(explicit, overrides=own).tuner.objective == "val_macro_f1"
    number = load(explicit, overrides=[*own, "target={kind: stars, column: stars}"])
    assert number.tuner.objective == "val_mae"
    assert number.target.less_is_better("val_mae")
    assert "LinearBaseline" in nodes.of(number)


def test_a_target_that_does_not_say_how_it_is_judged_is_refused(
    explicit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ["extensions=[tests.toys.stars]", "edge=false", "target={kind: stars, column: stars}"]
    load(explicit, overrides=own)
    monkeypatch.setattr(TARGETS["stars"], "parts", {})
    with pytest.raises(ConfigError, match=r"target: the kind stars does not say how its answers are judged"):
        load(explicit, overrides=own)
