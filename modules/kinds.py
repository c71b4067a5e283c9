"""Kinds: their sections of a configuration, with errors that name the field, and the modules that play their roles."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, NoReturn

from modules.registry import Registry

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError


def read_section(kinds: Registry[Any], section: Any, **more: Any) -> Any:
    """Reads one section.

    Args:
        kinds: what `kind` may be.
        section: a mapping; a value that is none is given back, for pydantic to refuse.
        **more: further fields, which a file does not have.

    Raises:
        ValidationError: there is no such kind, or something in the section is wrong.
    """
    if not isinstance(section, Mapping):
        return section
    kind = section.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        known = f"{', '.join(kinds.kinds)}, or one that a module of `extensions` registers"
        _fail("kind", kind, f"set it to a kind of {kinds.what}: {known}")
    given = {name: value for name, value in section.items() if name not in more}
    fields = [name for name in kinds[kind].model_fields if name not in more]
    for name in {*section} - {*fields}:
        near = difflib.get_close_matches(str(name), fields, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        _fail(str(name), None, f"there is no such field.{hint} Allowed: {', '.join(sorted(fields))}")
    return kinds[kind].model_validate({**given, **more})


def read_sections(kinds: Registry[Any], sections: Any) -> Any:
    """Reads sections that have names, each as `read_section` does with its `name`."""
    if not isinstance(sections, Mapping):
        return sections
    found, wrong = {}, []
    for name, section in sections.items():
        try:
            found[str(name)] = read_section(kinds, section, name=str(name), learnt={})
        except ValidationError as error:
            wrong += [_under(str(name), detail) for detail in error.errors()]
    if wrong:
        raise ValidationError.from_exception_data(kinds.what, wrong)
    return found


def modules_of(kinds: Registry[Any], *roles: str) -> tuple[str, ...]:
    """The modules that the kinds of this project bring for some roles; of one's own kinds all of the extension counts.

    Args:
        kinds: a registry of classes with `parts`, import paths by role.
        *roles: what is asked for; see `modules.inputs.roles` and `modules.targets.base`.
    """
    paths = [kinds[kind].parts.get(role) for kind in kinds.own for role in roles]
    return tuple(dict.fromkeys(path.partition(":")[0] for path in paths if path))


def _fail(field: str, value: Any, message: str) -> NoReturn:
    kind = PydanticCustomError("part", message.replace("{", "{{"))  # type: ignore[arg-type]
    raise ValidationError.from_exception_data("part", [InitErrorDetails(type=kind, loc=(field,), input=value)])


def _under(name: str, detail: Any) -> InitErrorDetails:
    """An error inside a section, as one of what the section is in."""
    kind = PydanticCustomError("part", detail["msg"].removeprefix("Value error, ").replace("{", "{{"))
    return InitErrorDetails(type=kind, loc=(name, *detail["loc"]), input=detail["input"])
