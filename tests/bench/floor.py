"""The floor: what the same machine gives to whoever writes each operation by hand.

    python -m tests.bench.floor --port 9000

A bare ASGI callable under the same uvicorn. Each operation is one request of its own, `POST /a` … `POST /h`, whose body holds
the values alone: no document to look up. It pays what the platform's wall costs, and nothing else: the token is verified (and
remembered), the session is entered, the statement runs as the caller's login under row security, and the connection is cleaned
after use. One statement in one round trip, its JSON passed on.
"""

from __future__ import annotations

import argparse
import json
import os
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
from psycopg.pq.abc import PGresult
from starlette.types import Message, Receive, Scope, Send
from tests.bench import floor_sql

from pat_auth.keys import load_or_create_keys
from pat_auth.principal import Principal
from pat_auth.tokens import Verifier
from pat_platform.database.access import ENTER_READ_ONLY
from pat_platform.database.credentials import Credentials, stored_generations
from pat_platform.database.dialogue import ENTER
from pat_platform.database.pipeline import RESET, RESET_SETTINGS
from pat_platform.database.pool import KeyedPool
from pat_platform.database.statements import Statement
from pat_platform.encryption.derived import derived
from pat_platform.encryption.envelope import Place
from pat_platform.encryption.key_ring import KeyRing
from pat_platform.engine.cursors import CursorKey
from pat_platform.engine.quote import array_literal
from pat_platform.settings import Settings
from pat_server.assembly import DEMO_TOKEN_LIFETIME, vault_of
from pat_server.commands.ports import reserved
from pat_server.commands.serving import ReadyServer

Values = Mapping[str, Any]
KNOWN_KEYS = "BENCH_KNOWN_KEYS"
"""The file with the wrapped keys that the floor knows, by case: [survivor, key in hex]."""


def _id_in(global_id: str) -> bytes:
    return b64decode(global_id).rpartition(b":")[2]


class Floor:
    """The operations by hand."""

    def __init__(self, settings: Settings, known_keys: Mapping[str, tuple[str, str]]) -> None:
        keys = load_or_create_keys(settings.key_folder)
        self.verifier = Verifier(
            keys.public_set(),
            issuer=settings.issuer,
            audience=settings.audience,
            longest_lifetime=DEMO_TOKEN_LIFETIME,
        )
        self._pool = KeyedPool(
            Credentials(settings, stored_generations(settings)),
            budget=settings.pool_size,
            wait_seconds=settings.pool_wait_seconds,
            statement_limit=settings.prepared_statements,
        )
        self._vault = vault_of(settings)
        self._known_keys = known_keys
        key = CursorKey(derived(settings.secret, b"pat cursors"))
        self._inner = b"\\x" + key.inner("Query.cases:OPENED_ON_DESC").hex().encode()
        self._outer = b"\\x" + key.outer().hex().encode()
        self.operations: Mapping[bytes, Callable[[Principal, bytes], Awaitable[bytes]]] = {
            b"/a": self._case_file,
            b"/b": self._case_list,
            b"/c": self._fixed(floor_sql.CASE_TABLE),
            b"/d": self._fixed(floor_sql.DASHBOARD),
            b"/e": self._fixed(floor_sql.GROUPS),
            b"/f": self._add_note,
            b"/g": self._contacts,
            b"/h": self._inbox,
        }

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def _run(
        self, principal: Principal, sql: str, *values: bytes | None, writes: bool = False
    ) -> PGresult:
        """One statement as the caller, in one round trip."""
        wire = await self._pool.lease(principal.login)
        enter = Statement(
            ENTER if writes else ENTER_READ_ONLY, (str(principal.session).encode(),), is_lasting=True
        )
        answer, cleaned = wire.send((enter, Statement(sql, values)), RESET if writes else RESET_SETTINGS)
        self._pool.release(wire, answer, cleaned)
        return (await wire.answered(answer))[-1]

    async def _json(
        self, principal: Principal, sql: str, *values: bytes | None, writes: bool = False
    ) -> bytes:
        result = await self._run(principal, sql, *values, writes=writes)
        return b'{"data":' + bytes(result.get_value(0, 0) or b"null") + b"}"

    def _fixed(self, sql: str) -> Callable[[Principal, bytes], Awaitable[bytes]]:
        async def run(principal: Principal, _: bytes) -> bytes:
            return await self._json(principal, sql)

        return run

    async def _case_file(self, principal: Principal, body: bytes) -> bytes:
        return await self._json(principal, floor_sql.CASE_FILE, _id_in(orjson.loads(body)["id"]))

    async def _case_list(self, principal: Principal, body: bytes) -> bytes:
        statuses = array_literal(orjson.loads(body)["status"]).encode()
        return await self._json(principal, floor_sql.CASE_LIST, statuses, self._inner, self._outer)

    async def _add_note(self, principal: Principal, body: bytes) -> bytes:
        given = orjson.loads(body)["input"]
        case = _id_in(given["caseId"]).decode()
        survivor_text, wrapped = self._known_keys[case]
        survivor, note = UUID(survivor_text), uuid4()
        ring = self._vault.ring(principal.organisation)
        await ring.unlock({survivor: bytes.fromhex(wrapped)})
        place = Place(principal.organisation, "case_note_texts", "text", survivor, note)
        sealed = ring.seal(place, given["text"].strip())
        values = (case.encode(), str(note).encode(), given["kind"].encode(), b"\\x" + sealed.hex().encode())
        return await self._json(principal, floor_sql.ADD_NOTE, *values, writes=True)

    async def _contacts(self, principal: Principal, _: bytes) -> bytes:
        result = await self._run(principal, floor_sql.CONTACTS, b"bench", writes=True)
        rows: list[list[bytes | None]] = [
            [result.get_value(row, column) for column in range(7)] for row in range(result.ntuples)
        ]
        ring = self._vault.ring(principal.organisation)
        await ring.unlock({UUID(_text(row[2])): _bytes(row[3]) for row in rows if row[3]})
        edges = []
        for case, code, survivor, _wrapped, first, second, phone in rows:
            identity = {
                name: _opened(ring, principal.organisation, column, UUID(_text(survivor)), value)
                for name, column, value in (
                    ("firstName", "first_name", first),
                    ("secondName", "second_name", second),
                    ("phone", "phone", phone),
                )
            }
            node = {"id": _text(case), "code": _text(code), "survivor": {"identity": identity}}
            edges.append({"node": node})
        return bytes(orjson.dumps({"data": {"cases": {"edges": edges}}}))

    async def _inbox(self, principal: Principal, _: bytes) -> bytes:
        result = await self._run(principal, floor_sql.INBOX, b"bench", writes=True)
        rows = [[result.get_value(row, column) for column in range(5)] for row in range(result.ntuples)]
        keys: dict[UUID, dict[UUID, bytes]] = {}
        for _node, keeper, survivor, wrapped, _name in rows:
            if wrapped:
                keys.setdefault(UUID(_text(keeper)), {})[UUID(_text(survivor))] = _bytes(wrapped)
        rings = {keeper: self._vault.ring(keeper) for keeper in keys}
        for whose, wrapped_keys in keys.items():
            await rings[whose].unlock(wrapped_keys)
        edges = []
        for node, keeper, survivor, _wrapped, name in rows:
            # A name is the one value that PostgreSQL cannot give: it is put where its place was left.
            text = node or b""
            if name is not None:
                whose = UUID(_text(keeper))
                opened = _opened(rings[whose], whose, "first_name", UUID(_text(survivor)), name)
                text = text.replace(b'"firstName" : null', b'"firstName" : ' + orjson.dumps(opened), 1)
            edges.append(b'{"node":' + text + b"}")
        return b'{"data":{"referrals":{"edges":[' + b",".join(edges) + b"]}}}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        operation = self.operations.get(scope["raw_path"])
        if operation is None:
            await _answer(send, 200 if scope["path"] == "/readyz" else 404, b"{}")
            return
        authorization = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        principal = self.verifier.verify(authorization[7:].decode())
        await _answer(send, 200, await operation(principal, await _body(receive)))

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                await self.close()
                return


def _text(value: bytes | None) -> str:
    """A text that is never null."""
    return (value or b"").decode()


def _bytes(value: bytes) -> bytes:
    """A bytea in PostgreSQL's text format."""
    return bytes.fromhex(value[2:].decode())


def _opened(ring: KeyRing, keeper: UUID, column: str, survivor: UUID, value: bytes | None) -> str | None:
    if value is None:
        return None
    return ring.open(Place(keeper, "survivor_identities", column, survivor), _bytes(value))


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    start: Message = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def known_keys(admin_url: str, cases: list[UUID]) -> dict[str, tuple[str, str]]:
    """The wrapped keys of the survivors of these cases."""
    with psycopg.connect(admin_url) as connection:
        rows = connection.execute(
            "select c.id::text, c.survivor_id::text, encode(k.wrapped, 'hex') from app.cases c"
            " join app.survivor_keys k using (organisation_id, survivor_id) where c.id = any(%s)",
            (cases,),
        )
        return {case: (survivor, wrapped) for case, survivor, wrapped in rows}


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    with open(os.environ[KNOWN_KEYS]) as file:
        known = {case: (survivor, wrapped) for case, (survivor, wrapped) in json.load(file).items()}
    floor = Floor(Settings.from_environment(os.environ), known)
    with reserved("127.0.0.1", port) as bound:
        ReadyServer(floor, bound, on_ready=lambda: None).serve_until_stopped()


if __name__ == "__main__":
    main()
