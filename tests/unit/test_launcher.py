"""`./edgeline` finds the environment wherever make has put it, and every command that we print can be typed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest


def launch(repository: Path, *arguments: str, cwd: Path | None = None, **environment: str):
    command = [str(repository / "edgeline"), *arguments]
    given = {**os.environ, "UV_PROJECT_ENVIRONMENT": sys.prefix, **environment}
    return subprocess.run(command, cwd=cwd or repository, env=given, capture_output=True, text=True)


def test_it_runs_the_local_runner_and_usage_lines_name_what_was_typed(repository: Path, tmp_path: Path):
    done = launch(repository, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ./edgeline [OPTIONS] COMMAND")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["kubeflow", "--help"], "Usage: ./edgeline kubeflow"),
        (["edge", "--help"], "usage: edgeline-edge"),
        (["python", "-c", "import pipeline, sys; print('prefix', sys.prefix)"], f"prefix {sys.prefix}"),
        (["help"], "./edgeline python"),
    ],
)
def test_the_other_programs_are_one_word_away(repository: Path, tmp_path: Path, words: list[str], says: str):
    done = launch(repository, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert says in done.stdout


def test_a_link_to_it_and_an_environment_named_relative_to_the_project_work(repository: Path, tmp_path: Path):
    (tmp_path / "edgeline").symlink_to(repository / "edgeline")
    relative = os.path.relpath(sys.prefix, repository)
    done = subprocess.run(
        [tmp_path / "edgeline", "python", "-c", "print('here')"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": relative},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "here\n")


def test_without_an_environment_it_names_the_command_that_makes_one(repository: Path, tmp_path: Path):
    done = launch(repository, "nodes", UV_PROJECT_ENVIRONMENT=str(tmp_path / "absent"))
    assert done.returncode == 1
    assert "make setup" in done.stderr
    assert "absent" in done.stderr


def test_exit_codes_and_arguments_pass_through_unchanged(repository: Path):
    words = ["two words", "*", "", "--flag=ä"]
    done = launch(repository, "python", "-c", "import sys; print(ascii(sys.argv[1:])); sys.exit(7)", *words)
    assert (done.returncode, done.stdout.strip()) == (7, ascii(words))


def _commands(group: click.Group, path: str = ""):
    for name, command in group.commands.items():
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")


def test_help_shows_its_examples_line_by_line():
    import kubeflow_runner
    import local_runner

    groups = {"local": local_runner.cli, "kubeflow": kubeflow_runner.cli}
    shown: dict[str, click.Command] = {**groups}
    for name, group in groups.items():
        shown.update(_commands(group, name))
    assert len(shown) > 15
    for name, command in shown.items():
        text = command.get_help(click.Context(command, info_name=name))
        assert "\\b" not in text, name
        for example in re.findall(r"\./edgeline .*", command.help or ""):
            assert example.rstrip() in text, f"{name}: {example} is broken over lines"


def test_no_page_and_no_message_tells_to_type_what_a_fresh_machine_does_not_have(repository: Path):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=repository, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    texts = [name for name in listed if name.endswith((".md", ".py", ".j2", ".yaml")) and not name.startswith("tests/")]
    found = [
        f"{name}: {line.strip()}"
        for name in texts
        if (repository / name).is_file()
        for line in (repository / name).read_text(encoding="utf-8").splitlines()
        if re.search(r"\buv run\b|(?<![\w/.`-])(?:\./)?(?:local|kubeflow)_runner\.py [a-z-]", line)
    ]
    assert found == []
