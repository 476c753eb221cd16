"""``pat keys``: the keys that sign tokens, and the keys that wrap the keys of people."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import click
from psycopg import AsyncConnection, OperationalError

from pat_auth.keys import SigningKeys, rotate_keys, stored_keys
from pat_platform.encryption.provider import KeyKeeper, KeyVersion
from pat_platform.settings import Settings
from pat_server.commands.admin import Admin
from pat_server.commands.progress import Progress
from pat_server.commands.tables import aligned
from pat_server.commands.trouble import Trouble
from pat_server.keeping import (
    Holding,
    Organisation,
    connected,
    findings,
    holding,
    opened_keeper,
    organisations,
)
from pat_tenants.rewrapping import Done, renew_unreadable, rewrap

# Longer than any transaction may take that read which version is the current one.
SETTLED = timedelta(hours=1)


@click.group("keys")
def command() -> None:
    """Show, check and rotate keys: those that sign tokens, and those of organisations, under which every person's key is wrapped.

    They work on DATABASE_URL, with PAT_SECRET and PAT_KEY_PROVIDER as `pat serve` has them, or on the running demo of this
    checkout. docs/keys.md tells when to use them.
    """


@dataclass(frozen=True)
class _Work:
    """What the commands work with."""

    connection: AsyncConnection[Any]
    keeper: KeyKeeper
    organisations: list[Organisation]

    async def holdings(self) -> list[Holding]:
        return [await holding(self.connection, self.keeper, each) for each in self.organisations]

    def only(self, slug: str | None) -> Self:
        """The same for one organisation, if one is named. Raises Trouble for one that is not there."""
        chosen = [each for each in self.organisations if slug in (None, each.slug)]
        if slug and not chosen:
            raise Trouble(f"There is no organisation {slug}: `pat organisation list` shows all.")
        return type(self)(self.connection, self.keeper, chosen)


@asynccontextmanager
async def _working(settings: Settings) -> AsyncIterator[_Work]:
    try:
        async with opened_keeper(settings) as keeper, connected(settings) as connection:
            yield _Work(connection, keeper, await organisations(connection))
    except OperationalError as error:
        if "password authentication failed" not in str(error):
            raise
        raise Trouble(
            "The database does not know the login that rotates keys. Either it is of an earlier release (run `python3 pat "
            "migrate`), or PAT_SECRET is not the secret that it was migrated with."
        ) from None


def _run(work: Coroutine[None, None, None]) -> None:
    asyncio.run(work)


_one = click.option("--organisation", "slug", metavar="SLUG", help="Only this organisation's.")


@command.command("list")
def list_all() -> None:
    """List all keys: what each version is for, how old it is, and how many keys of people are wrapped under it."""
    settings = Admin.find().settings()
    _run(_list(settings))


async def _list(settings: Settings) -> None:
    rows = list(_signing_rows(stored_keys(settings.key_folder)))
    async with _working(settings) as work:
        for held in await work.holdings():
            rows += _rows(held)
    click.echo("\n".join(aligned(rows, ("WHOSE", "VERSION", "MADE", "USE", "WRAPPED"))))


def _signing_rows(keys: SigningKeys | None) -> Iterator[tuple[str, str, str, str, str]]:
    if keys is None:
        yield "tokens", "-", "", "made at the first start", ""
        return
    uses = (("signs", keys.current), ("is published, signs next", keys.next), ("verifies only", keys.retired))
    yield from (("tokens", str(key.kid)[:16], "", use, "") for use, key in uses if key)


def _rows(held: Holding) -> Iterator[tuple[str, str, str, str, str]]:
    slug = held.organisation.slug
    if not held.versions:
        yield slug, "-", "", "no keys", str(held.total)
        return
    for version in held.versions:
        use = "wraps" if version is held.versions[-1] else "opens only"
        yield slug, version.name, f"{version.made_at:%Y-%m-%d}", use, str(held.wrapped.get(version.prefix, 0))
    if held.unknown:
        yield slug, "?", "", "missing", str(held.unknown)


@command.command("check")
def check() -> None:
    """Check that every organisation has its keys, that they open what they wrapped, and that nothing is under an old version."""
    settings = Admin.find().settings()
    # Nothing is made here: whoever asks may be another user than the one who serves.
    stored_keys(settings.key_folder)
    _run(_check(settings))


async def _check(settings: Settings) -> None:
    async with _working(settings) as work:
        held = await work.holdings()
        found = [sentence for each in held for sentence in findings(each)]
        if found:
            raise Trouble("\n".join(["Not all is well with the keys.", *found]))
        total = sum(each.total for each in held)
        click.echo(
            f"{len(held)} organisations, {total} keys of people: all under current versions, which open them."
        )


@command.command("create")
@click.argument("slug", metavar="SLUG")
def create(slug: str) -> None:
    """Make the keys of an organisation that has none yet."""
    _run(_create(Admin.find().settings(), slug))


async def _create(settings: Settings, slug: str) -> None:
    async with _working(settings) as everywhere:
        work = everywhere.only(slug)
        [held] = await work.holdings()
        if held.versions:
            raise Trouble(f"{slug} has keys already: they stay as they are.")
        if held.total:
            raise Trouble(
                f"{slug} has no keys here, but {held.total} keys of people are wrapped under some: they are lost, not new. "
                "Put them back from their copy; only if there is none: `pat keys abandon`. docs/keys.md tells more."
            )
        await work.keeper.create(held.organisation.id)
        click.echo(f"{slug} has its keys.")


@command.group("rotate")
def rotate() -> None:
    """Replace keys by new ones, while everything goes on."""


@rotate.command("signing")
def rotate_signing() -> None:
    """Sign tokens with the next key from now on.

    Running servers notice within a second. Twice in a row makes every token invalid that is out: the answer to a stolen key.
    """
    keys = rotate_keys(Admin.find().settings().key_folder)
    retired = keys.retired.kid if keys.retired else "-"
    click.echo(f"{keys.current.kid} signs; {keys.next.kid} is next; {retired} only verifies.")


@rotate.command("organisations")
@_one
@click.option(
    "--older-than",
    "days",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="DAYS",
    help="Only keys of this age: what a rotation that was interrupted has done is not done again.",
)
def rotate_organisations(slug: str | None, days: float) -> None:
    """Make a new version of organisations' keys, and put every person's key under it.

    May be interrupted at any moment: started again within --older-than, it goes on. Requests go on meanwhile.
    """
    _run(_rotate(Admin.find().settings(), slug, timedelta(days=days)))


async def _rotate(settings: Settings, slug: str | None, age: timedelta) -> None:
    async with _working(settings) as everywhere:

        async def renew(organisation: Organisation) -> None:
            versions = await everywhere.keeper.versions(organisation.id)
            if versions and datetime.now(UTC) - versions[-1].made_at >= age:
                await everywhere.keeper.rotate(organisation.id)

        await _rewrap_all(everywhere.only(slug), renew)


@command.command("rewrap")
@_one
def rewrap_all(slug: str | None) -> None:
    """Put every person's key under the current version of her organisation's key. Goes on where it was interrupted."""
    _run(_rewrap(Admin.find().settings(), slug))


async def _rewrap(settings: Settings, slug: str | None) -> None:
    async with _working(settings) as everywhere:
        await _rewrap_all(everywhere.only(slug))


async def _nothing(_: Organisation) -> None:
    """What comes before a rewrap that is no part of a rotation."""


async def _rewrap_all(work: _Work, first: Callable[[Organisation], Awaitable[None]] = _nothing) -> None:
    """One organisation after the other: what comes first, then its people's keys; a line for each that is done."""
    unreadable = 0
    with Progress() as progress:
        for organisation in work.organisations:
            progress.step(organisation.slug, 1 / len(work.organisations))
            await first(organisation)
            done = await _rewrap_one(work, organisation, progress)
            unreadable += done.unreadable
            progress.clear()
            click.echo(_told(organisation, done))
    if unreadable:
        raise Trouble(f"{unreadable} keys of people do not open and stay as they are: `pat keys check`.")


async def _rewrap_one(work: _Work, organisation: Organisation, progress: Progress) -> Done:
    held = await holding(work.connection, work.keeper, organisation)
    if not held.versions:
        return Done(0, held.total)
    seen = 0

    def say(count: int) -> None:
        nonlocal seen
        seen += count
        progress.within(f"{seen} of {held.old + held.unknown}", seen / max(1, held.old + held.unknown))

    return await rewrap(work.connection, work.keeper, organisation.id, say)


def _told(organisation: Organisation, done: Done) -> str:
    closed = f"; {done.unreadable} do not open" if done.unreadable else ""
    return f"{organisation.slug}: {done.replaced} keys of people were put under the current version{closed}."


@command.command("destroy")
@_one
@click.confirmation_option(
    prompt="Backups from before the last `pat keys rewrap` will not open any more. Destroy old versions?"
)
def destroy(slug: str | None) -> None:
    """Destroy the versions under which nothing in the database is wrapped any more, for ever."""
    _run(_destroy(Admin.find().settings(), slug))


async def _destroy(settings: Settings, slug: str | None) -> None:
    async with _working(settings) as everywhere:
        work = everywhere.only(slug)
        for held in await work.holdings():
            oldest = _oldest_to_keep(held)
            if oldest is None:
                continue
            await work.keeper.destroy_before(held.organisation.id, oldest)
            gone = held.versions.index(oldest)
            click.echo(f"{held.organisation.slug}: {gone} old versions are destroyed.")


def _oldest_to_keep(held: Holding) -> KeyVersion | None:
    """The oldest version that must stay; None where none may go.

    A transaction that began under an old version may still write with it, unseen by our count, until the next is some time old.
    """
    if not held.versions or held.unknown or held.closed:
        return None
    settled = [each for each in held.versions if datetime.now(UTC) - each.made_at >= SETTLED]
    index = min(held.versions.index(held.oldest_needed), held.versions.index(settled[-1]) if settled else 0)
    return held.versions[index] if index else None


@command.command("abandon")
@click.argument("slug", metavar="SLUG")
@click.confirmation_option(
    prompt="What was sealed under the lost keys can never be read again, not even if they are found. Go on?"
)
def abandon(slug: str) -> None:
    """Give up an organisation's lost keys: make new ones, and a new key for each person whose own does not open.

    Her identity and the notes about her stay unreadable; what is written from now on can be read.
    """
    _run(_abandon(Admin.find().settings(), slug))


async def _abandon(settings: Settings, slug: str) -> None:
    async with _working(settings) as everywhere:
        work = everywhere.only(slug)
        [held] = await work.holdings()
        if held.versions and not held.unknown and not held.closed:
            raise Trouble(
                f"The keys of {slug} are there and open what they wrapped: there is nothing to give up."
            )
        await work.keeper.create(held.organisation.id)
        done = await renew_unreadable(work.connection, work.keeper, held.organisation.id)
        click.echo(
            f"{slug}: {done.replaced} people have new keys; what their lost ones sealed stays unreadable."
        )
