"""Loads a configuration: YAML, profile, overrides, validation, and errors that name the place and the remedy."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from modules.registry import load_extensions
from modules.settings import Section

import yaml
from pydantic import ValidationError

from pipeline.config.task import Config
from pipeline.redaction.redact import redact

PROFILES, EXTENSIONS = "profiles", "extensions"


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
                f"{path}: there is no profile {profile!r}; it has: {', '.join(profiles) or 'none'}."
                + _nearest(profile, profiles)
            )
        values = _merge(values, profiles[profile] or {})
    for override in overrides:
        values = _override(values, override)
    if data is not None:
        values = _merge(values, {"data": {"path": data, "dataset": None}})
    origin = _Origin(path, root, profile, overrides)
    _extend(values.get(EXTENSIONS), origin)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(item, origin) for item in error.errors())) from None


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
        told = str(error).removeprefix(f"{EXTENSIONS}: ").rstrip(".")
        raise ConfigError(f"{origin([EXTENSIONS])}: {EXTENSIONS}: {told}.") from None


def _parse(path: Path) -> yaml.Node:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = sorted(str(other) for other in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        raise ConfigError(f"{path}: no such file." + (f" There are: {', '.join(near)}." if near else "")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}).") from None
    try:
        node = yaml.compose(text, Loader=_Loader)
        duplicate = _duplicate_key(node)
    except yaml.YAMLError as error:
        raise _not_yaml(path, error) from None
    if node is None:
        raise ConfigError(f"{path}: the file is empty.")
    if duplicate is not None:
        raise ConfigError(f"{path}:{duplicate.start_mark.line + 1}: the key {duplicate.value!r} stands twice.")
    return node


def _duplicate_key(node: yaml.Node | None) -> yaml.Node | None:
    """The second of two equal keys in one mapping, which YAML would silently let win."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    return key
                seen.add(key.value)
            found = _duplicate_key(value)
            if found is not None:
                return found
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            found = _duplicate_key(value)
            if found is not None:
                return found
    return None


class _Loader(yaml.SafeLoader):
    """YAML 1.1 reads `1e-4` as a string; everybody means a number."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d[\d_]*)(\.[\d_]*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)


def _plain(node: yaml.Node, path: Path) -> Any:
    try:
        return _Loader("").construct_document(node)
    except (yaml.YAMLError, ValueError) as error:  # a ValueError is a date that does not exist
        raise _not_yaml(path, error) from None


def _not_yaml(path: Path, error: Exception) -> ConfigError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    return ConfigError(f"{path}{line}: not valid YAML: {getattr(error, 'problem', None) or error}.")


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
    if not equals or not keys:
        raise ConfigError(f"--set {override!r}: expected FIELD=VALUE, for example `--set trainer.epochs=3`.")
    try:
        value: Any = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"--set {override!r}: the value is not valid YAML ({error}).") from None
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
                return f"--set {text}"
        # An error of a whole section may come from an override of a part of it.
        inside = [text for field, text in self._overrides.items() if field.startswith(f"{dotted}.") or not dotted]
        also = "".join(f" with --set {text}" for text in inside)
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


def _explain(error: Mapping[str, Any], origin: _Origin) -> str:
    location = list(error["loc"])
    field = ".".join(str(part) for part in location) or "the file"
    where = origin(location)
    if error["type"] == "extra_forbidden":
        known = _fields(Config, location[:-1])
        near = _nearest(str(location[-1]), known)
        return f"{where}: {field}: there is no such field.{near} Allowed: {', '.join(known)}."
    if error["type"] == "missing":
        return f"{where}: {field}: is missing and has no default."
    message = error["msg"].removeprefix("Value error, ")
    shown = error["input"] if isinstance(error["input"], str | int | float | bool | None | list) else None
    value = f" (found {json.dumps(shown, ensure_ascii=False)})" if shown is not None else ""
    near = ""
    if error["type"] == "literal_error" and isinstance(shown, str):
        near = _nearest(shown, error["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", "))
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
    match = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean `{match[0]}`?" if match else ""
