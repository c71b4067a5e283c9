"""`pipeline.config.task` and `loader`: what a configuration means, and errors that say where and how."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import get_args

from modules.training.settings import SpaceEntry, TrainerSettings

import pytest
import yaml

from pipeline.config import loader
from pipeline.config.loader import ConfigError, dump, load
from pipeline.config.task import Config

MINIMAL = """\
task: reviews
labels: [bad, good]
schema_path: schema.pbtxt
data:
  path: reviews.csv
trainer:
  epochs: 2
  learning_rate: 1e-4
backbone:
  kind: minilm
  layers: [0, 5]
profiles:
  quick:
    trainer:
      epochs: 1
  tiny:
    backbone: {kind: scratch, num_layers: 1, hidden_dim: 8}
  wrong:
    trainer:
      epochs: 0
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.yaml"
    path.write_text(MINIMAL, encoding="utf-8")
    return path


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def error_of(path: Path, **arguments: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, **arguments)  # type: ignore[arg-type]
    return str(caught.value)


# What is loaded


def test_a_file_is_loaded_without_its_profiles(file: Path) -> None:
    config = load(file)
    assert (config.task, config.labels, config.trainer.epochs) == ("reviews", ["bad", "good"], 2)
    splits = config.data.splits
    assert (splits.train, splits.eval, splits.test, splits.column) == (8, 1, 1, "")


def test_the_default_task_is_valid_in_every_profile(repository: Path) -> None:
    path = repository / "configs" / "sentiment.yaml"
    plain, quick, full = (load(path, profile=profile) for profile in (None, "quick", "full"))
    assert quick.data.train_fraction < plain.data.train_fraction == full.data.train_fraction == 1.0
    assert quick.tuner.enabled
    assert full.tuner.enabled
    assert quick.tuner.trials < full.tuner.trials
    assert full.backbone.model_dump()["layers"] == [0, 1, 2, 3, 4, 5]


def test_a_profile_replaces_only_what_it_names(file: Path) -> None:
    config = load(file, profile="quick")
    assert (config.trainer.epochs, config.trainer.learning_rate) == (1, 1e-4)


def test_a_backbone_of_another_kind_does_not_inherit_the_fields_of_the_one_below(file: Path) -> None:
    backbone = load(file, profile="tiny").backbone.model_dump()
    assert (backbone["kind"], backbone["hidden_dim"]) == ("scratch", 8)
    assert "layers" not in backbone


def test_an_override_wins_over_profile_and_file(file: Path) -> None:
    config = load(file, profile="quick", overrides=["trainer.epochs=5", "trainer.epochs=7"])
    assert config.trainer.epochs == 7


@pytest.mark.parametrize(
    ("override", "section", "field", "value"),
    [
        ("trainer.learning_rate=1e-4", "trainer", "learning_rate", 1e-4),
        ("trainer.learning_rate=5E-05", "trainer", "learning_rate", 5e-5),
        ("trainer.learning_rate=2.5e-4", "trainer", "learning_rate", 2.5e-4),
        ("trainer.learning_rate=+1e-3", "trainer", "learning_rate", 1e-3),
        ("trainer.weight_decay=0", "trainer", "weight_decay", 0.0),
        ("trainer.tensorboard=false", "trainer", "tensorboard", False),
        ("data.path=null", "data", "path", None),
        ("data.columns.slices=[source, year]", "data", "columns", None),
        (" trainer.seed =3", "trainer", "seed", 3),
    ],
)
def test_the_value_of_an_override_is_read_as_yaml(
    file: Path, override: str, section: str, field: str, value: object
) -> None:
    found = getattr(getattr(load(file, overrides=[override, "data.dataset=vader"]), section), field)
    if field == "columns":
        assert found.slices == ["source", "year"]
    else:
        assert found == value
        assert type(found) is type(value)


@pytest.mark.parametrize("number", ["1e-4", "1E-4", "1.0e-4", "0.0001", "10e-5"])
def test_a_learning_rate_may_be_written_as_people_write_it(tmp_path: Path, number: str) -> None:
    path = write(tmp_path / "a.yaml", MINIMAL.replace("1e-4", number))
    assert load(path).trainer.learning_rate == pytest.approx(1e-4)


def test_a_name_that_looks_a_little_like_a_number_stays_a_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", MINIMAL.replace("[bad, good]", "[e4, '1e4']"))
    assert load(path).labels == ["e4", "1e4"]


def test_the_backbone_can_be_changed_field_by_field(file: Path) -> None:
    config = load(file, overrides=["backbone.kind=scratch", "backbone.num_layers=3"])
    assert config.backbone.model_dump()["num_layers"] == 3


def test_a_file_on_the_command_line_replaces_the_data_set(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.yaml", MINIMAL.replace("path: reviews.csv", "dataset: vader\n  source: {delimiter: ';'}")
    )
    config = load(path, data="mine.csv")
    assert (config.data.path, config.data.dataset, config.data.source.delimiter) == ("mine.csv", None, ";")


def test_loading_changes_neither_file_nor_default_values(file: Path) -> None:
    load(file, overrides=["data.columns.slices=[source]"])
    assert load(file).data.columns.slices == []
    assert file.read_text(encoding="utf-8") == MINIMAL


def test_a_configuration_cannot_be_changed_after_loading(file: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(file).trainer.epochs = 9  # type: ignore[misc]


# Round trip and digest

DROPOUT_CHOICE = "3727c95667a4441a565b65f4d8b309a72c6d25361ffc144a126205a61363dce2"


@pytest.mark.parametrize("profile", [None, "quick", "tiny"])
def test_what_is_written_next_to_a_run_loads_to_the_same_configuration(file: Path, profile: str | None) -> None:
    config = load(file, profile=profile, overrides=["task=caf-1", "trainer.learning_rate=1e-5"])
    again = load(write(file.with_name("config.yaml"), dump(config)))
    assert again == config
    assert again.digest() == config.digest()


def test_labels_in_any_script_survive_the_round_trip(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", MINIMAL.replace("[bad, good]", "[schön, 悪い, 'yes: no']"))
    text = dump(load(path))
    assert "悪い" in text
    assert load(write(tmp_path / "b.yaml", text)).labels == ["schön", "悪い", "yes: no"]


def test_the_digest_depends_on_values_and_not_on_their_order_or_on_comments(tmp_path: Path, file: Path) -> None:
    parts = yaml.safe_load(MINIMAL)
    shuffled = yaml.safe_dump(dict(reversed(parts.items())), sort_keys=False)
    assert load(write(tmp_path / "b.yaml", f"# a comment\n{shuffled}")).digest() == load(file).digest()


@pytest.mark.parametrize(
    "override", ["trainer.seed=18", "labels=[good, bad]", "data.columns.slices=[x]", "preprocessing.sequence_length=63"]
)
def test_every_change_of_a_value_changes_the_digest(file: Path, override: str) -> None:
    assert load(file, overrides=[override]).digest() != load(file).digest()


def test_the_digest_is_the_same_on_every_machine_and_day() -> None:
    # A changed digest throws away everybody's cache: if this fails, a default or a field has changed on purpose.
    section = TrainerSettings(epochs=1, learning_rate=0.5)
    assert section.digest() == TrainerSettings(learning_rate=0.5, epochs=1).digest()
    assert len(section.digest()) == 64
    assert SpaceEntry(name="dropout", kind="choice", values=[0.1]).digest() == DROPOUT_CHOICE


def test_every_tunable_name_is_a_field_of_the_trainer() -> None:
    tunable = get_args(SpaceEntry.model_fields["name"].annotation)
    assert len(tunable) > 3
    assert set(tunable) <= set(TrainerSettings.model_fields)


# Errors


def test_a_typo_is_told_with_file_line_field_and_the_nearest_name(file: Path) -> None:
    write(file, MINIMAL.replace("  epochs: 2", "  epoch: 2"))
    message = error_of(file)
    assert message.startswith(f"{file}:7: trainer.epoch: there is no such field. Did you mean `epochs`?")
    assert "learning_rate" in message


def test_a_typo_in_a_section_name_lists_the_sections(file: Path) -> None:
    write(file, MINIMAL.replace("\ntrainer:", "\ntrainner:"))
    message = error_of(file)
    assert f"{file}:6: trainner: there is no such field. Did you mean `trainer`?" in message
    assert "evaluator" in message


def test_a_typo_in_the_backbone_offers_the_fields_of_all_kinds(file: Path) -> None:
    message = error_of(file, overrides=["backbone={kind: scratch, num_layer: 1}"])
    assert "backbone.num_layer: there is no such field. Did you mean `num_layers`?" in message


def test_a_typo_in_a_list_is_told_with_the_line_of_its_item(file: Path) -> None:
    write(
        file,
        MINIMAL + "tuner:\n  space:\n"
        "    - {name: dropout, kind: float, min: 0, max: 1}\n"
        "    - {name: lr, kind: choice, values: [1]}\n",
    )
    message = error_of(file)
    assert message.startswith(f"{file}:24: tuner.space.1.name: ")
    assert "'learning_rate'" in message


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("trainer.precision=mixed_float61", ["trainer.precision", "'mixed_float16'", "Did you mean `mixed_float16`?"]),
        ("tuner.algorithm=bayes", ["tuner.algorithm", "'bayesian'", "'hyperband'", "'random'", "`bayesian`"]),
        ("trainer.epochs=0", ["trainer.epochs", "greater than or equal to 1", "(found 0)"]),
        ("trainer.epochs=many", ["trainer.epochs", "valid integer, or `auto`", '(found "many")']),
        ("evaluator.beats_baseline.metric=auc", ["evaluator.beats_baseline.metric", "macro_f1, accuracy"]),
        ("evaluator.beats_baseline.level=0.4", ["evaluator.beats_baseline.level", "greater than 0.5"]),
        ("trainer.dropout=1.0", ["trainer.dropout", "less than 1", "(found 1.0)"]),
        ("trainer.learning_rate=-1e-4", ["trainer.learning_rate", "greater than 0"]),
        ("preprocessing.sequence_length=513", ["preprocessing.sequence_length", "512"]),
        ("data.train_fraction=0", ["data.train_fraction", "greater than 0"]),
        ("data.source.delimiter=ab", ["data.source.delimiter", "at most 1 character"]),
        ("data.splits.test=0", ["data.splits.test", "greater than or equal to 1"]),
        ("labels=[good]", ["labels", "at least 2 items"]),
        ("labels=[good, good]", ["holds a name twice"]),
        ("task=My Task", ["task", "match pattern", '(found "My Task")']),
        ("backbone.kind=bert", ["backbone", "'bert'", "minilm, multilingual, preset, scratch", "extensions"]),
        ("backbone.layers=[6]", ["backbone.layers.0", "less than or equal to 5", "(found 6)"]),
        ("backbone={kind: preset}", ["backbone.preset", "is missing"]),
        ("backbone={kind: scratch, hidden_dim: 9, num_heads: 2}", ["backbone", "not a multiple of num_heads 2"]),
        ("data.columns={text: a, label: a}", ["data.columns", "must all differ"]),
        ("evaluator.thresholds.accuracy={}", ["evaluator.thresholds.accuracy", "at least one of min, max"]),
        (
            "evaluator.fairness.bounds.sorce.accuracy.max_gap=0.1",
            ["evaluator.fairness.bounds.sorce: sorce is none of the slice columns"],
        ),
        ("evaluator.fairness.bounds.s.accuracy.max_gap=2", ["max_gap", "accuracy lies between 0 and 1"]),
        ("evaluator.thresholds.acuracy={min: 1}", ["evaluator.thresholds.acuracy", "Did you mean `accuracy`?"]),
        ("evaluator.thresholds.val_loss={max: 1}", ["evaluator.thresholds.val_loss", "There are: accuracy, macro_f1"]),
        ("tuner.enabled=true", ["tuner", "at least one entry in tuner.space"]),
        ("tuner.space=[{name: dropout, kind: float, min: 1, max: 0}]", ["tuner.space.0", "`min` < `max`"]),
        ("tuner.space=[{name: dropout, kind: choice}]", ["tuner.space.0", "needs `values`"]),
        (
            "tuner.space=[{name: dropout, kind: float, min: 0, max: 1, sampling: log}]",
            ["tuner.space.0", "log sampling needs `min` > 0"],
        ),
        (
            "tuner={space: [{name: dropout, kind: choice, values: [1]}, {name: dropout, kind: choice, values: [2]}]}",
            ["tuner", "names a hyperparameter twice"],
        ),
    ],
)
def test_a_wrong_value_is_told_with_the_override_the_field_and_what_is_allowed(
    file: Path, override: str, parts: list[str]
) -> None:
    message = error_of(file, overrides=[override])
    field = override.partition("=")[0]
    where = message.partition(f"--set {override}: ")[0]
    # A rule about several fields belongs to their section, whose line stands before the override.
    assert where == "" or re.fullmatch(rf"{re.escape(str(file))}:\d+ with ", where), message
    assert where == "" or f"--set {override}: {field}: " not in message
    for part in parts:
        assert part in message


def test_a_wrong_value_in_a_profile_is_told_with_its_line_and_the_profile(file: Path) -> None:
    assert error_of(file, profile="wrong").startswith(f"{file}:20 (profile wrong): trainer.epochs: ")


def test_a_wrong_value_under_a_profile_that_does_not_name_it_is_told_with_the_line_of_the_file(file: Path) -> None:
    write(file, MINIMAL.replace("learning_rate: 1e-4", "learning_rate: fast"))
    assert error_of(file, profile="quick").startswith(f"{file}:8: trainer.learning_rate: ")


def test_all_errors_are_told_at_once(file: Path) -> None:
    write(file, MINIMAL.replace("epochs: 2", "epochs: two").replace("labels: [bad, good]", "labels: [bad]"))
    lines = error_of(file).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["labels", "trainer.epochs"]


def test_a_missing_section_is_named(file: Path) -> None:
    write(file, "task: a\nlabels: [x, y]\n")
    message = error_of(file)
    assert "schema_path: is missing" in message
    assert "data: is missing" in message


def test_data_without_a_source_says_which_two_there_are(file: Path) -> None:
    write(file, MINIMAL.replace("path: reviews.csv", "source: {delimiter: ','}"))
    message = error_of(file)
    assert message.startswith(f"{file}:4: data: set data.path to a file with rows (or `--data FILE`), or data.dataset")


def test_extensions_are_imported_before_anything_is_validated(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file.parent / "own_kinds.py").write_text("LOADED = True\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(file.parent))
    write(file, MINIMAL.replace("epochs: 2", "epochs: none at all") + "extensions: [own_kinds]\n")
    assert "trainer.epochs" in error_of(file)
    assert sys.modules.pop("own_kinds").LOADED


def test_an_extension_that_is_not_there_is_told_with_its_line(file: Path) -> None:
    write(file, MINIMAL + "extensions: [no_such_module_of_mine]\n")
    assert error_of(file) == (
        f"{file}:21: extensions: there is no module no_such_module_of_mine; it must be importable from the project's "
        "folder."
    )


def test_an_extension_that_lacks_a_package_says_which(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file.parent / "needs_more.py").write_text("import no_such_package\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(file.parent))
    message = error_of(file, overrides=["extensions=[needs_more]"])
    assert message == "--set extensions=[needs_more]: extensions: No module named 'no_such_package'."


def test_extensions_that_are_no_list_of_names_are_told_as_any_wrong_value(file: Path) -> None:
    assert "--set extensions=own: extensions: input should be a valid list" in error_of(
        file, overrides=["extensions=own"]
    )


def test_an_unknown_profile_lists_those_that_there_are(file: Path) -> None:
    message = error_of(file, profile="quik")
    assert "no profile 'quik'; it has: quick, tiny, wrong. Did you mean `quick`?" in message


@pytest.mark.parametrize("override", ["trainer.epochs", "=3", ".=3", ""])
def test_an_override_without_field_or_value_shows_how_it_is_written(file: Path, override: str) -> None:
    assert "expected FIELD=VALUE, for example `--set trainer.epochs=3`" in error_of(file, overrides=[override])


def test_an_override_that_is_not_yaml_is_refused(file: Path) -> None:
    assert "--set 'labels=[a'" in error_of(file, overrides=["labels=[a"])


def test_an_override_of_something_below_a_plain_value_is_refused(file: Path) -> None:
    message = error_of(file, overrides=["trainer.epochs.more=1"])
    assert message.startswith(f"{file}:7 with --set trainer.epochs.more=1: trainer.epochs: input should be a valid int")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("- a\n- b\n", "expected a mapping of sections at the top, found list"),
        ("task\n", "expected a mapping of sections at the top, found str"),
        ("task: a\ntask: b\n", ":2: the key 'task' stands twice"),
        ("task: a\ntrainer:\n  epochs: 1\n  seed: 1\n  epochs: 2\n", ":5: the key 'epochs' stands twice"),
        ("tuner:\n  space:\n    - {name: a, name: b}\n", ":3: the key 'name' stands twice"),
        ("task: [a\n", "not valid YAML"),
        ("task: a\n\tlabels: b\n", ":2:1: not valid YAML"),
        ("task: {{ name }}\n", ":1: a key is a text; put it into quotes"),
        ("task: !!python/object:os.system x\n", ":1: the tag '!!python/object:os.system' has no meaning"),
        ("task: !!timestamp x\n", "the tag '!!timestamp' has no meaning"),
        ("task: a\nprofiles: [quick]\n", "profiles"),
        ("task: a\nprofiles: {quick: 3}\n", ":2: profiles: expected names of profiles"),
    ],
)
def test_a_broken_file_is_told_with_its_name_and_place(file: Path, text: str, message: str) -> None:
    write(file, text)
    found = error_of(file, profile="quick" if "profiles" in text else None)
    assert found.startswith(str(file))
    assert message in found


def test_a_file_in_another_encoding_is_refused(file: Path) -> None:
    file.write_bytes("task: café\n".encode("latin-1"))
    assert "cannot be read" in error_of(file)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in error_of(tmp_path)


def test_a_missing_file_lists_the_configurations_beside_it(file: Path) -> None:
    assert (
        error_of(file.with_name("review.yaml")) == f"{file.with_name('review.yaml')}: no such file. There are: {file}."
    )
    assert error_of(file.parent / "nowhere" / "a.yaml").endswith("no such file.")


def test_every_field_of_the_configuration_is_documented() -> None:
    """The descriptions are the reference: an editor shows them, and so does the generated page."""

    def undocumented(schema: dict) -> list[str]:
        return [
            f"{name}.{field}"
            for name, part in [("Config", schema), *schema["$defs"].items()]
            for field, item in part.get("properties", {}).items()
            if not item.get("description")
        ]

    assert undocumented(Config.model_json_schema()) == []


def test_loading_needs_no_tensorflow() -> None:
    assert "import tensorflow" not in Path(loader.__file__).read_text(encoding="utf-8")
