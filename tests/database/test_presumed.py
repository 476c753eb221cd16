"""What a verb presumes is what it would have found, or it is not done."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import bindparam, select, text
from tests.database.conftest import OpenDatabase
from tests.database.network import Member, Network
from tests.database.notes import Note, note_of, stored
from tests.database.proxy import Proxy

from pat_platform.database import presumed
from pat_platform.database.access import Database
from pat_platform.database.failures import DatabaseError
from pat_platform.database.pipeline import Answer, Wire
from pat_platform.database.presumed import PRESUMED_SECONDS, Presumptions
from pat_platform.database.statements import Statement
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Fault, Refused

WANTED = select(Note.id, Note.words).where(Note.id == bindparam("id"))

Verb = Callable[[Transaction], Awaitable[Any]]


@pytest.fixture
async def known(database: Database, member: Member, words: str) -> Note:
    """A note of the member's that her next verb presumes."""
    note = note_of(member, words)
    await perform(database, member, lambda tx: tx.add(note))
    await perform(database, member, lambda tx: tx.presume(WANTED, {"id": note.id}))
    return note


async def perform(database: Database, member: Member, verb: Verb) -> Any:
    return await database.perform(member.login, member.session, member.person, verb)


class Answering:
    """Writes down what it finds of a note; ``runs`` is what it found, each time that it was run."""

    def __init__(self, member: Member, about: Note) -> None:
        self.runs: list[str | None] = []
        self.written = note_of(member, f"{about.words}, answered")
        self._about = about

    async def __call__(self, tx: Transaction) -> str | None:
        row = await tx.presume(WANTED, {"id": self._about.id})
        found = None if row is None else row.words
        self.runs.append(found)
        await tx.add(self.written)
        return found


async def test_a_verb_that_presumes_costs_one_round_trip(
    open_database: OpenDatabase, member: Member, proxy: Proxy, network: Network, words: str
) -> None:
    database, note = open_database(database_url=proxy.url), note_of(member, words)
    await perform(database, member, lambda tx: tx.add(note))
    for number, turns in enumerate(("out in out in", "out in")):
        await proxy.quiet()
        proxy.log.clear()
        answering = Answering(member, note)
        answering.written.words += str(number)
        assert await perform(database, member, answering) == words
        assert stored(network, answering.written)
        await proxy.quiet()
        assert proxy.turns() == turns


async def test_a_row_that_was_changed_is_not_presumed_for_long(
    database: Database, member: Member, network: Network, known: Note
) -> None:
    network.execute("update app.notes set words = words || '!' where id = %s", (known.id,))
    answering = Answering(member, known)
    assert await perform(database, member, answering) == f"{known.words}!"
    assert answering.runs == [known.words, f"{known.words}!"]
    assert len(stored(network, answering.written)) == 1
    again = Answering(member, known)
    again.written.words += " again"
    await perform(database, member, again)
    assert again.runs == [f"{known.words}!"]


@pytest.mark.parametrize(
    "taken", ["delete from app.notes", "update app.notes set author = gen_random_uuid()"]
)
async def test_a_row_that_may_not_be_seen_any_more_is_found_by_nobody(
    database: Database, member: Member, network: Network, known: Note, taken: str
) -> None:
    network.execute(f"{taken} where id = %s", (known.id,))
    answering = Answering(member, known)
    assert await perform(database, member, answering) is None
    assert answering.runs == [known.words, None]


async def test_nobody_presumes_what_somebody_else_was_shown(
    database: Database, member: Member, network: Network, known: Note
) -> None:
    session, person = uuid4(), uuid4()
    network.execute("insert into sec.sessions values (%s, %s, %s)", (session, member.login, person))
    other = Member(member.login, member.organisation, session, person)
    answering = Answering(other, known)
    assert await perform(database, other, answering) is None
    assert answering.runs == [None]


async def test_a_refusal_because_of_what_was_presumed_is_one_of_today_or_none(
    database: Database, member: Member, network: Network, known: Note
) -> None:
    runs = []

    async def verb(tx: Transaction) -> str:
        row = await tx.presume(WANTED, {"id": known.id})
        runs.append(row.words)
        await tx.add(note_of(member, f"{known.words}, refused"))
        if row.words == known.words:
            raise Refused("NO", "No.")
        return str(row.words)

    with pytest.raises(Refused):
        await perform(database, member, verb)
    assert runs == [known.words]
    network.execute("update app.notes set words = words || '!' where id = %s", (known.id,))
    assert await perform(database, member, verb) == f"{known.words}!"
    assert runs == [known.words, known.words, f"{known.words}!"]
    refused = network.execute("select count(*) from app.notes where words = %s", (f"{known.words}, refused",))
    assert refused == [(1,)]


async def test_what_is_asked_for_after_it_waits_for_its_confirmation(
    database: Database, member: Member, network: Network, known: Note
) -> None:
    async def verb(tx: Transaction) -> tuple[str, int]:
        row = await tx.presume(WANTED, {"id": known.id})
        return row.words, await tx.scalar(text("select 1"))

    assert await perform(database, member, verb) == (known.words, 1)
    network.execute("update app.notes set words = words || '!' where id = %s", (known.id,))
    assert await perform(database, member, verb) == (f"{known.words}!", 1)


async def test_what_is_presumed_after_an_answer_is_confirmed_with_the_commit(
    database: Database, member: Member, network: Network, known: Note
) -> None:
    answering = Answering(member, known)

    async def verb(tx: Transaction) -> str | None:
        await tx.scalar(text("select 1"))
        return await answering(tx)

    network.execute("update app.notes set words = words || '!' where id = %s", (known.id,))
    assert await perform(database, member, verb) == f"{known.words}!"
    assert answering.runs == [known.words, f"{known.words}!"]
    assert len(stored(network, answering.written)) == 1


async def test_another_failure_is_not_taken_for_a_wrong_presumption(
    database: Database, member: Member, known: Note
) -> None:
    answering = Answering(member, known)

    async def verb(tx: Transaction) -> None:
        await answering(tx)
        await tx.put(text("select 1 / length('')"))

    with pytest.raises(DatabaseError) as refused:
        await perform(database, member, verb)
    assert refused.value.sqlstate == "22012"
    assert answering.runs == [known.words]


async def test_a_transaction_that_cannot_be_run_again_presumes_nothing(
    database: Database, member: Member, network: Network, known: Note
) -> None:
    network.execute("update app.notes set words = words || '!' where id = %s", (known.id,))
    async with database.transaction(member.login, member.session, member.person) as tx:
        row = await tx.presume(WANTED, {"id": known.id})
        assert row.words == f"{known.words}!"


async def test_a_session_that_has_ended_does_nothing_with_what_it_was_shown(
    database: Database, member: Member, network: Network, known: Note
) -> None:
    answering, anothers = Answering(member, known), uuid4()
    network.execute("insert into sec.sessions values (%s, %s, %s)", (anothers, member.login, uuid4()))
    for session in (uuid4(), anothers, network.members[1].session):
        with pytest.raises(Fault) as refused:
            await database.perform(member.login, session, member.person, answering)
        assert refused.value.code == "UNAUTHENTICATED"
    assert stored(network, answering.written) == []


async def test_what_is_refused_at_the_end_of_a_single_batch_undoes_it(
    database: Database, member: Member, network: Network, known: Note
) -> None:
    note = note_of(member, known.words)
    with pytest.raises(DatabaseError) as refused:
        await perform(database, member, lambda tx: tx.add(note))
    assert refused.value.constraint == "uq_notes_organisation_id_words"
    assert stored(network, note) == []


async def test_what_may_have_been_done_is_not_done_again(
    open_database: OpenDatabase, member: Member, proxy: Proxy, network: Network, words: str
) -> None:
    database, note, runs = open_database(database_url=proxy.url), note_of(member, words), []
    await database.read(member.login, member.session, "select 1", read_only=True)

    async def verb(tx: Transaction) -> None:
        runs.append(1)
        await tx.add(note)
        await tx.put(text("select pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(Fault) as refused:
        await perform(database, member, verb)
    assert refused.value.code == "UNAVAILABLE"
    assert len(runs) == 1
    assert stored(network, note) == []


async def test_what_never_left_is_sent_on_another_connection(
    database: Database, member: Member, network: Network, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, send = note_of(member, words), Wire.send
    lost: list[Wire] = []

    def lost_once(wire: Wire, *batches: Sequence[Statement]) -> list[Answer]:
        if not lost:
            lost.append(wire)
            wire.lose()
        return send(wire, *batches)

    monkeypatch.setattr(Wire, "send", lost_once)
    await perform(database, member, lambda tx: tx.add(note))
    assert stored(network, note) == [(words,)]
    assert database.traffic.connections == 2


async def test_what_fails_only_at_the_end_is_not_taken_for_the_session(
    database: Database, member: Member, network: Network, words: str
) -> None:
    body = "begin perform 1 / (new.words is null)::int; return null; end"
    network.execute(f"create function app.late() returns trigger language plpgsql as '{body}'")
    network.execute(
        "create constraint trigger late after insert on app.notes deferrable initially deferred"
        " for each row execute function app.late()"
    )
    try:
        with pytest.raises(DatabaseError) as refused:
            await perform(database, member, lambda tx: tx.add(note_of(member, words)))
    finally:
        network.execute("drop function app.late cascade")
    assert refused.value.sqlstate == "22012"


def test_what_was_found_long_ago_is_not_presumed() -> None:
    now = [0.0]
    presumptions = Presumptions(clock=lambda: now[0])
    presumptions.keep("her", "row", Statement("select 1"))
    now[0] = PRESUMED_SECONDS - 1
    assert presumptions.get("her") is not None
    now[0] = PRESUMED_SECONDS
    assert presumptions.get("her") is None
    presumptions.keep("another", "row", Statement("select 1"))
    assert len(presumptions) == 1


def test_so_many_rows_are_presumed_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presumed, "PRESUMED", 2)
    presumptions = Presumptions()
    for key in ("first", "second", "first", "third"):
        presumptions.keep(key, key, Statement("select 1"))
    assert [presumptions.get(key) is not None for key in ("first", "second", "third")] == [True, False, True]
