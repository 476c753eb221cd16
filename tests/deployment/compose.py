"""docker-compose.yml as these tests read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([?+-])([^}]*))?\}")

Service = Mapping[str, Any]


def compose() -> dict[str, Any]:
    """The file, with its anchors followed and its variables as they stand."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return found


def told(text: str, variables: Mapping[str, str]) -> str:
    """A text with its variables filled in, as Compose does. Raises KeyError for one that must be set and is not."""

    def value(found: re.Match[str]) -> str:
        name, kind, more = found.groups()
        if variables.get(name):
            return str(more) if kind == "+" else variables[name]
        if kind == "-":
            return str(more)
        if kind == "+":
            return ""
        raise KeyError(name)

    return _VARIABLE.sub(value, text)


def environment(service: Service, variables: Mapping[str, str]) -> dict[str, str]:
    """What a service is told."""
    return {name: told(str(value), variables) for name, value in service["environment"].items()}
