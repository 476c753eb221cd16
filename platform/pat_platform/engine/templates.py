"""SQL templates of declarations: the names in braces and nothing else is replaced."""

import re
from collections.abc import Callable, Mapping

from .errors import DeclarationError

_NAME = r"[A-Za-z_]\w*"
_PLACEHOLDER = re.compile(rf"\{{(?:(t|n|l|value)|(arg|id):({_NAME}(?:[.:]{_NAME})*))\}}")

Argument = Callable[[str, str], str]


def no_arguments(kind: str, name: str) -> str:
    """For templates where no field's arguments exist."""
    raise DeclarationError(f"{{{kind}:{name}}} has no meaning here")


def render(sql: str, names: Mapping[str, str | None], argument: Argument = no_arguments) -> str:
    """The template with its names replaced. Raises DeclarationError for a name without a meaning here."""

    def replaced(found: re.Match[str]) -> str:
        name, kind, what = found.groups()
        if name is None:
            return argument(kind, what)
        alias = names.get(name)
        if alias is None:
            raise DeclarationError(f"{{{name}}} has no meaning in: {sql}")
        return alias

    return _PLACEHOLDER.sub(replaced, sql)


def arguments_of(sql: str) -> set[str]:
    """The names of the field arguments that a template uses."""
    names = set()
    for _, kind, what in _PLACEHOLDER.findall(sql):
        if kind == "arg":
            names.add(what.split(".")[0])
        elif kind == "id":
            names.add(what.split(":")[1].split(".")[0])
    return names


def ids_of(sql: str) -> list[tuple[str, str]]:
    """The types and the field arguments of the global ids that a template looks for."""
    found = (what.partition(":") for _, kind, what in _PLACEHOLDER.findall(sql) if kind == "id")
    return [(type_name, argument) for type_name, _, argument in found]


def term(by: str, alias: str) -> str:
    """An order's or key's term on an alias: a bare column name, or a template over {n}."""
    return f"{alias}.{by}" if re.fullmatch(_NAME, by) else f"({render(by, {'n': alias})})"
