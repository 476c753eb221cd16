"""PostgreSQL's own log: whether it may hold what people typed, or what is stored of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg

from pat_server.doctor.finding import Finding, Level, ok

SUBJECT = "server log"
# In the log's own order: `log` is above `error` and below `fatal`.
_ABOVE_ERROR = frozenset({"log", "fatal", "panic"})


@dataclass(frozen=True)
class Rule:
    """A setting, when it is safe, what it would put into the log otherwise, and a safe value."""

    setting: str
    is_safe: Callable[[str], bool]
    would: str
    value: str
    level: Level = Level.PROBLEM


RULES = (
    Rule("log_statement", lambda value: value in {"none", "ddl"}, "every statement", "none"),
    Rule(
        "log_parameter_max_length",
        lambda value: value == "0",
        "the values of every statement that it logs",
        "0",
    ),
    Rule(
        "log_parameter_max_length_on_error",
        lambda value: value == "0",
        "the values of statements that failed",
        "0",
    ),
    Rule(
        "log_min_error_statement",
        lambda value: value in _ABOVE_ERROR,
        "the text of statements that failed",
        "panic",
        Level.WARNING,
    ),
    Rule(
        "log_min_messages",
        lambda value: value in _ABOVE_ERROR,
        "errors that quote a value (`invalid input syntax for type date: …`)",
        "log",
    ),
    Rule("log_error_verbosity", lambda value: value == "terse", "the row that broke a constraint", "terse"),
    Rule(
        "log_min_duration_statement",
        lambda value: value == "-1",
        "the text of slow statements",
        "-1",
        Level.WARNING,
    ),
    Rule(
        "log_min_duration_sample",
        lambda value: value == "-1",
        "the text of slow statements",
        "-1",
        Level.WARNING,
    ),
    Rule(
        "log_transaction_sample_rate",
        lambda value: float(value) == 0,
        "every statement of some transactions",
        "0",
    ),
    Rule("debug_print_parse", lambda value: value == "off", "parsed statements", "off"),
    Rule("debug_print_rewritten", lambda value: value == "off", "rewritten statements", "off"),
    Rule("debug_print_plan", lambda value: value == "off", "plans with their constants", "off"),
    Rule("auto_explain.log_min_duration", lambda value: value == "-1", "plans with their constants", "-1"),
    Rule("pgaudit.log_parameter", lambda value: value == "off", "the values of every statement", "off"),
)

_OVERRIDDEN = """
select distinct split_part(setting, '=', 1) from pg_db_role_setting, unnest(setconfig) setting
where split_part(setting, '=', 1) = any(%s)"""


def look_at_server_log(connection: psycopg.Connection) -> Iterator[Finding]:
    """A finding for each setting that would put people's data into the server's log; one that all is well, if there is none."""
    found = [
        Finding(
            rule.level,
            SUBJECT,
            f"{rule.setting} is `{value}`: the server's log would hold {rule.would}. "
            f"`alter system set {rule.setting} = '{rule.value}'`, then `select pg_reload_conf()`.",
        )
        for rule in RULES
        if (value := _setting(connection, rule.setting)) is not None and not rule.is_safe(value)
    ]
    names = [rule.setting for rule in RULES]
    for (name,) in connection.execute(_OVERRIDDEN, (names,)).fetchall():
        found.append(
            Finding(
                Level.WARNING,
                SUBJECT,
                f"{name} is set for a role or database of its own: `\\drds` in psql shows which.",
            )
        )
    yield from found or [ok(SUBJECT, "PostgreSQL logs no statement and no value.")]


def _setting(connection: psycopg.Connection, name: str) -> str | None:
    row = connection.execute("select current_setting(%s, true)", (name,)).fetchone()
    return None if row is None else row[0]
