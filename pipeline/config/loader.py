"""Loads a configuration: YAML, profile, overrides, validation, and errors that name the place and the remedy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from modules.registry import load_extensions
from modules.settings import Section

import yaml
from pydantic import ValidationError

from pipeline.config import yaml_file
from pipeline.config.messages import nearest, shown, shown_line, some
from pipeline.config.task import Config
from pipeline.redaction.redact import redact

PROFILES, EXTENSIONS = "profiles", "extensions"
_MOST_KEYS = 20  # in the field of an override
_MOST_ERRORS, _LONGEST_LINE = 9, 500  # lines of a message, characters of each
_LONGEST_PATH = 4_096


class ConfigError(ValueError):
    """The configuration is wrong; the message names file, line, field, value and remedy, and holds no secret."""

    def __init__(self, message: str) -> None:
        super().__init__(redact(message))


def load(
    path: str | Path,
    *,
    profile: str | None = None,
    overrides: Sequence[str] = (),
    data: str | None = None,
) -> Config:
    """Loads and validates a configuration.

    Relative paths inside the file are relative to the working directory, as on the command line.

    Args:
        path: the YAML file. Its `profiles` section maps a name to values that replace those of the file.
        profile: which of them to apply. None applies none.
        overrides: `a.b=value` strings, applied last; the value is read as YAML.
        data: a file with rows that replaces `data.path` (and `data.dataset`).

    Returns:
        The resolved configuration.

    Raises:
        ConfigError: the file cannot be read, or something in it, in the profile or in an override is wrong.
    """
    path = Path(path)
    root = _parse(path)
    values = _plain(root, path)
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected a mapping of sections at the top, found {type(values).__name__}.")
    profiles = values.pop(PROFILES, None) or {}
    if not isinstance(profiles, dict) or not all(isinstance(item or {}, dict) for item in profiles.values()):
        line, _ = _line(root, [PROFILES])
        raise ConfigError(f"{path}:{line}: profiles: expected names of profiles, each with sections under it.")
    if profile is not None:
        if profile not in profiles:
            raise ConfigError(
                f"{path}: there is no profile {shown(profile)}; it has: {some(profiles) or 'none'}."
                + _nearest(profile, profiles)
            )
        values = _merge(values, profiles[profile] or {})
    for override in overrides:
        values = _override(values, override)
    if data is not None:
        if yaml_file.NO_TEXT.search(data):
            raise ConfigError(f"--data {shown(data)}: no path can hold \\0 or half of a surrogate pair.")
        values = _merge(values, {"data": {"path": data, "dataset": None}})
    origin = _Origin(path, root, profile, overrides)
    _extend(values.get(EXTENSIONS), origin)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explained(error, origin)) from None


def profile_names(path: str | Path) -> list[str]:
    """The profiles that a configuration has; none where it cannot be read, which `load` then explains."""
    try:
        values = _plain(_parse(Path(path)), Path(path))
    except ConfigError:
        return []
    profiles = values.get(PROFILES) if isinstance(values, dict) else None
    return list(profiles) if isinstance(profiles, dict) else []


def dump(config: Config) -> str:
    """The resolved configuration as YAML, which `load` reads back to an equal one."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _extend(names: Any, origin: _Origin) -> None:
    """Imports the extensions, whose kinds the configuration may name; what is no list of names is told later."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return
    try:
        load_extensions(names)
    except (ImportError, ValueError) as error:
        told = shown_line(str(error).removeprefix(f"{EXTENSIONS}: ").rstrip("."))
        raise ConfigError(f"{origin([EXTENSIONS])}: {EXTENSIONS}: {told}.") from None
    except Exception as error:  # whatever somebody's module does when it is imported
        told = f"{type(error).__name__}: {shown_line(str(error))}"
        raise ConfigError(
            f"{origin([EXTENSIONS])}: {EXTENSIONS}: one of {some(names)} cannot be imported ({told})."
        ) from error


def _parse(path: Path) -> yaml.Node:
    try:
        text = yaml_file.read_text(path)
    except FileNotFoundError:
        near = sorted(str(other) for other in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        raise ConfigError(
            f"{path}: no such file." + (f" There are: {some(near, characters=_LONGEST_PATH)}." if near else "")
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}).") from None
    try:
        node = yaml_file.compose(text)
    except yaml.YAMLError as error:
        raise _not_yaml(path, error) from None
    if node is None:
        raise ConfigError(f"{path}: the file is empty.")
    return node


def _plain(node: yaml.Node, path: Path) -> Any:
    try:
        return yaml_file.values(node)
    except yaml.YAMLError as error:
        raise _not_yaml(path, error) from None


def _not_yaml(path: Path, error: yaml.YAMLError) -> ConfigError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark and isinstance(error, yaml_file.RefusedError):
        return ConfigError(f"{path}:{mark.line + 1}: {_yaml_problem(error)}.")
    line = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    return ConfigError(f"{path}{line}: not valid YAML: {_yaml_problem(error)}.")


def _yaml_problem(error: yaml.YAMLError) -> str:
    return shown_line(getattr(error, "problem", None) or str(error))


def _merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        # A backbone of another kind shares no fields with the one below it.
        if both and not ("kind" in value and value["kind"] != below.get("kind")):  # type: ignore[union-attr]
            value = _merge(below, value)  # type: ignore[arg-type]
        merged[key] = value
    return merged


def _override(values: dict[str, Any], override: str) -> dict[str, Any]:
    field, equals, text = override.partition("=")
    keys = [key for key in field.strip().split(".") if key]
    if not equals or not keys or len(keys) > _MOST_KEYS:
        raise ConfigError(f"--set {shown(override)}: expected FIELD=VALUE, for example `--set trainer.epochs=3`.")
    try:
        node = yaml_file.compose(text)
        value: Any = yaml_file.values(node) if node is not None else None
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {shown(override)}: the value is not valid YAML ({_yaml_problem(error)}).") from None
    for key in reversed(keys):
        value = {key: value}
    return _merge(values, value)


class _Origin:
    """Finds out where a wrong field was written: an override, the profile, or a line of the file."""

    def __init__(self, path: Path, root: yaml.Node, profile: str | None, overrides: Sequence[str]) -> None:
        self._path, self._root, self._profile = path, root, profile
        self._overrides = {item.partition("=")[0].strip(): item for item in overrides}

    def __call__(self, location: Sequence[str | int]) -> str:
        dotted = ".".join(str(part) for part in location)
        for field, text in self._overrides.items():
            if dotted == field or dotted.startswith(f"{field}."):
                return f"--set {shown_line(text)}"
        # An error of a whole section may come from an override of a part of it.
        inside = [text for field, text in self._overrides.items() if field.startswith(f"{dotted}.") or not dotted]
        also = "".join(f" with --set {shown_line(text)}" for text in inside[:3])
        if self._profile is not None:
            line, depth = _line(self._root, [PROFILES, self._profile, *location])
            if location and depth == len(location) + 2:
                return f"{self._path}:{line} (profile {self._profile}){also}"
        return f"{self._path}:{_line(self._root, location)[0]}{also}"


def _line(node: yaml.Node, location: Sequence[str | int]) -> tuple[int, int]:
    """The line of the deepest node on the way to `location`, and how deep that is."""
    line, depth = node.start_mark.line + 1, 0
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                return line, depth
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line, depth
        depth += 1
    return line, depth


def _explained(error: ValidationError, origin: _Origin) -> str:
    """A line for each thing that is wrong, the first few of them."""
    found = error.errors()
    lines = [shown_line(_explain(item, origin), _LONGEST_LINE) for item in found[:_MOST_ERRORS]]
    more = len(found) - _MOST_ERRORS
    return "\n".join([*lines, f"… and {more} more."] if more > 0 else lines)


def _explain(error: Mapping[str, Any], origin: _Origin) -> str:
    location = list(error["loc"])
    field = ".".join(str(part) for part in location) or "the file"
    where = origin(location)
    if error["type"] == "extra_forbidden":
        known = _fields(Config, location[:-1])
        near = _nearest(str(location[-1]), known)
        return f"{where}: {field}: there is no such field.{near} Allowed: {some(known, 60)}."
    if error["type"] == "missing":
        return f"{where}: {field}: is missing and has no default."
    message = error["msg"].removeprefix("Value error, ")
    given = error["input"] if isinstance(error["input"], str | int | float | bool | None | list) else None
    value = f" (found {shown_line(json.dumps(given, ensure_ascii=False))})" if given is not None else ""
    near = ""
    if error["type"] == "literal_error" and isinstance(given, str):
        near = _nearest(given, error["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", "))
    return f"{where}: {field}: {message[0].lower()}{message[1:]}{value}.{near}"


def _fields(model: type[Section], location: Sequence[str | int]) -> list[str]:
    models: list[type[Section]] = [model]
    for part in location:
        annotations = [item.model_fields[part].annotation for item in models if part in item.model_fields]
        if annotations:
            models = [found for annotation in annotations for found in _models_in(annotation)]
    return sorted({name for item in models for name in item.model_fields})


def _models_in(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return list(annotation.alternatives())
    return [found for argument in get_args(annotation) for found in _models_in(argument)]


def _nearest(name: str, known: Any) -> str:
    match = nearest(name, list(known))
    return f" Did you mean `{match}`?" if match else ""
