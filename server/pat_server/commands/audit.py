"""``pat audit``: whether the trail is as it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from psycopg import Connection, IsolationLevel
from psycopg.rows import dict_row

from pat_auth.keys import UnusableKeys
from pat_auth.trail_keys import (
    HeadVerifier,
    SignedHead,
    last_signed,
    load_or_create_trail_keys,
    rotate_trail_keys,
    stored_trail_keys,
)
from pat_platform.encryption.private_file import ExposedFile
from pat_platform.settings import SettingsError
from pat_platform.trail import Broken, first_broken
from pat_server.commands.admin import Admin
from pat_server.commands.trouble import Trouble
from pat_server.signing import WrittenAnew, sign_heads

Row = Mapping[str, Any]

LATE = timedelta(days=1)
"""Signing goes on while a server runs: what is older and not signed should have been."""


@click.group("audit")
def command() -> None:
    """Verify the trail, and sign it.

    Works on DATABASE_URL (an administrator's), or on the running demo of this checkout.
    """


@command.command("sign")
def sign() -> None:
    """Sign the newest event of every chain now. Servers do so every five minutes."""
    try:
        click.echo(f"{sign_heads(Admin.find().settings())} heads are signed.")
    except WrittenAnew as anew:
        raise Trouble(f"{anew}. They are not signed: see `pat audit verify`.") from None


@command.command("rotate")
def rotate() -> None:
    """Sign with a new key from now on. What the former ones have signed is verified with their public parts."""
    keys = rotate_trail_keys(Admin.find().settings().key_folder)
    click.echo(f"{keys.current.kid} signs the trail.")


@command.command("keys")
def public_keys() -> None:
    """Print the public keys that `verify --keys` needs, as a JWK set: keep a copy where nobody changes it."""
    keys = load_or_create_trail_keys(Admin.find().settings().key_folder)
    click.echo(json.dumps(keys.public_set(), indent=1))


@command.command("verify")
@click.option(
    "--keys",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Public keys, as `pat audit keys` prints them. Without it, those of this deployment.",
)
def verify(file: Path | None) -> None:
    """Recompute every organisation's chain of events, check its signatures, and name the first event that does not fit."""
    admin = Admin.find()
    events = signed_chains = 0
    with admin.transaction() as connection:
        verifier, kept = _verifier(admin, file), _kept(admin)
        slugs = _begin(connection)
        heads = {head["organisation_id"]: head for head in _rows(connection, "select * from trail.heads")}
        others = _rows(connection, "select distinct organisation_id from trail.events")
        signatures = _signatures(connection)
        chains = sorted({*heads, *signatures, *kept, *(row["organisation_id"] for row in others)}, key=str)
        broken = []
        for organisation in chains:
            slug = slugs.get(organisation, organisation)
            signed, doubtful = _signed(verifier, organisation, signatures.get(organisation, []))
            broken += [f"{slug}: the signature of event {number} is none of ours" for number in doubtful]
            # What is kept beside the keys holds by itself: whoever writes a chain anew can delete its signatures.
            known = signed | kept.get(organisation, {})
            found, count = _walk(connection, organisation, heads.get(organisation), known)
            events += count
            signed_chains += bool(signed)
            if found:
                broken.append(f"{slug}: event {found.number} is {found.reason}")
            elif since := _unsigned_since(connection, organisation, max(signed, default=0)):
                broken.append(f"{slug}: nothing is signed since {since:%Y-%m-%d}: run `pat audit sign`")
    if broken:
        raise Trouble("The trail is not as it was written.\n" + "\n".join(broken))
    click.echo(f"{len(chains)} chains, {events} events: intact; {signed_chains} chains are signed.")


def _verifier(admin: Admin, file: Path | None) -> HeadVerifier | None:
    """What reads signatures; None where nothing was ever signed here. Raises Trouble for keys that cannot be read."""
    try:
        if file is not None:
            return HeadVerifier(json.loads(file.read_text(encoding="utf-8")))
        keys = stored_trail_keys(admin.settings().key_folder)
        return None if keys is None else HeadVerifier(keys.public_set())
    except SettingsError as missing:
        raise Trouble(f"{missing} Or give the public keys of the trail: --keys.") from None
    except (UnusableKeys, ValueError) as unusable:
        raise Trouble(f"{unusable}.") from None


def _kept(admin: Admin) -> dict[UUID, dict[int, bytes]]:
    """What was signed last, as the folder of keys has it; nothing where there is no such folder, as elsewhere. Raises Trouble."""
    try:
        kept = last_signed(admin.settings().key_folder)
    except SettingsError:
        return {}
    except (UnusableKeys, ExposedFile) as unusable:
        raise Trouble(f"{unusable}.") from None
    return {organisation: {head.number: head.hash} for organisation, head in kept.items()}


def _begin(connection: Connection) -> dict[UUID, str]:
    """See one moment of the trail, whatever is written meanwhile; return the organisations' slugs."""
    connection.rollback()
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    rows = _rows(connection, "select id, slug from app.organisations")
    slugs = {row["id"]: row["slug"] for row in rows}
    connection.execute("set local role pat_trail")
    return slugs


def _rows(connection: Connection, query: str) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return list(cursor.execute(query.encode()))


def _signatures(connection: Connection) -> dict[UUID, list[Row]]:
    """All signatures, by organisation."""
    found: dict[UUID, list[Row]] = {}
    for row in _rows(connection, "select * from trail.signatures order by number"):
        found.setdefault(row["organisation_id"], []).append(row)
    return found


def _signed(
    verifier: HeadVerifier | None, organisation: UUID, signatures: list[Row]
) -> tuple[dict[int, bytes], list[int]]:
    """The hashes that were signed, by number; and the numbers of signatures that are not what they say."""
    signed, doubtful = {}, []
    for row in signatures:
        head = verifier.read(row["signature"]) if verifier else None
        if head and head == SignedHead(organisation, row["number"], bytes(row["hash"])):
            signed[head.number] = head.hash
        else:
            doubtful.append(row["number"])
    return signed, doubtful


def _walk(
    connection: Connection, organisation: UUID, head: Row | None, signed: Mapping[int, bytes]
) -> tuple[Broken | None, int]:
    """Verify one chain, an event at a time; return what is broken first, and how many events were seen."""
    seen = 0

    def counted(rows: Iterator[Row]) -> Iterator[Row]:
        nonlocal seen
        for row in rows:
            seen += 1
            yield row

    query = "select * from trail.events where organisation_id = %s order by number"
    with connection.cursor("events", row_factory=dict_row) as cursor:
        cursor.itersize = 1000
        broken = first_broken(counted(iter(cursor.execute(query, (organisation,)))), head, signed)
    if signed and not seen and head is None:
        # Nothing is left that says whose chain it was, but for the signatures.
        broken = Broken(organisation, 1, "cut off")
    return broken, seen


def _unsigned_since(connection: Connection, organisation: UUID, number: int) -> datetime | None:
    """When the first event after this one was written, if it should have been signed by now."""
    row = connection.execute(
        "select min(at) from trail.events where organisation_id = %s and number > %s", (organisation, number)
    ).fetchone()
    since: datetime | None = row[0] if row else None
    return since if since and since < datetime.now(UTC) - LATE else None
