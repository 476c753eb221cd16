"""All declarations of a schema, and what of them one viewer may use."""

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .declare import Audit, Declaration, Deferred, DeferredRow, Row
from .errors import NotAllowed, NotCompilable, Path


class Viewer(Protocol):
    """Whoever asks. The engine only ever passes permissions on to it."""

    def may(self, permission: Any, /) -> bool:
        """Whether this viewer holds the permission that a declaration requires."""
        ...


@dataclass(frozen=True)
class TypeRule:
    """What holds for every object of a type: the permission to see one, the audit of having seen one."""

    requires: Hashable | None = None
    audits: Audit | None = None


@dataclass(frozen=True)
class Declarations:
    """Type name → field name → declaration; and for types: rows by id, rules, constants.

    ``constants`` are the types whose objects never come from a row: only from Constant or from a
    mutation's own values, so their fields need no declaration.
    """

    fields: Mapping[str, Mapping[str, Declaration]]
    rows: Mapping[str, Row | DeferredRow] = field(default_factory=dict)
    types: Mapping[str, TypeRule] = field(default_factory=dict)
    constants: Collection[str] = ()


NO_RULE = TypeRule()


class View:
    """The declarations as one viewer has them. No declaration is handed out without its check."""

    def __init__(self, declarations: Declarations, viewer: Viewer) -> None:
        self.declarations = declarations
        self.viewer = viewer
        self.rows: Mapping[str, Row] = {
            name: row.choose(viewer) if isinstance(row, DeferredRow) else row
            for name, row in declarations.rows.items()
        }

    def field(self, type_name: str, field_name: str, path: Path) -> Declaration:
        """The declaration of a field. Raises NotAllowed, or NotCompilable where there is none."""
        name = f"{type_name}.{field_name}"
        declaration = self.declarations.fields.get(type_name, {}).get(field_name)
        if declaration is None:
            raise NotCompilable(f"{name} has no declaration")
        return self.settled(declaration, name, path)

    def settled(self, declaration: Declaration, name: str, path: Path) -> Declaration:
        """The declaration itself once deferred choices are made and permissions are checked."""
        while True:
            self._demand(declaration.requires, name, path)
            if not isinstance(declaration, Deferred):
                return declaration
            declaration = declaration.choose(self.viewer)

    def type(self, type_name: str, path: Path) -> TypeRule:
        """The rule for objects of a type. Raises NotAllowed."""
        rule = self.declarations.types.get(type_name, NO_RULE)
        self._demand(rule.requires, type_name, path)
        return rule

    def may_see(self, type_name: str) -> bool:
        """Whether the viewer may ask for objects of a type at all."""
        requires = self.declarations.types.get(type_name, NO_RULE).requires
        return requires is None or self.viewer.may(requires)

    def _demand(self, permission: Hashable | None, name: str, path: Path) -> None:
        if permission is not None and not self.viewer.may(permission):
            raise NotAllowed(path, name, permission)
