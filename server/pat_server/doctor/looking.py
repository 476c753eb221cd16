"""The whole examination, in the order in which an operator would fix what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import psycopg
from psycopg.conninfo import make_conninfo

from pat_platform.settings import Settings
from pat_server.doctor import database, installation, machine, people
from pat_server.doctor.finding import Finding, problem
from pat_server.doctor.server_log import look_at_server_log

Look = Callable[[], Iterable[Finding]]


def examine(
    url: str, settings: Settings, environment: Mapping[str, str], explain: Callable[[Exception], str | None]
) -> Iterator[Finding]:
    """Look at everything. What keeps one look from being taken is a finding, in the words of ``explain``; the others go on."""
    yield from installation.look_at_installation()
    data: str | None = None
    try:
        connection = psycopg.connect(
            make_conninfo(url, connect_timeout=10, application_name="pat doctor"), autocommit=True
        )
    except psycopg.Error as error:
        yield problem("server", explain(error) or type(error).__name__)
    else:
        with connection:
            looks: list[tuple[str, Look]] = [
                ("database", partial(database.look_at_database, connection, settings)),
                ("people", partial(people.look_at_people, connection, settings)),
                ("server log", partial(look_at_server_log, connection)),
                ("programs", partial(installation.look_at_programs, connection.info.server_version // 10000)),
            ]
            for subject, look in looks:
                yield from _taken(subject, look, explain)
            data = _data_folder(connection)
            yield from _taken("keys", partial(machine.look_at_keys, settings, environment), explain)
    yield from _taken("backups", partial(machine.look_at_backups, settings, environment), explain)
    yield from _taken("disk", partial(machine.look_at_disks, settings, data, environment), explain)


def _taken(subject: str, look: Look, explain: Callable[[Exception], str | None]) -> Iterator[Finding]:
    try:
        yield from look()
    except (psycopg.Error, OSError) as error:
        yield problem(subject, f"This could not be looked at. {explain(error) or type(error).__name__}")


def _data_folder(connection: psycopg.Connection) -> str | None:
    """Where the server keeps its data, if it is on this machine and we may know."""
    if connection.info.host not in database.LOCAL:
        return None
    allowed = connection.execute(
        "select current_setting('data_directory') where pg_has_role('pg_read_all_settings', 'usage')"
    ).fetchone()
    return None if allowed is None else str(allowed[0])
