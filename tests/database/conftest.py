"""The scratch network, and databases opened on it."""

from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import pytest
from tests.database.network import Generations, Member, Network, drop_network, make_network
from tests.database.proxy import Proxy, proxy_before

from pat_platform.database.access import Database
from pat_platform.postgres import EmbeddedPostgres

OpenDatabase = Callable[..., Database]


@pytest.fixture(scope="session")
def network(cluster: EmbeddedPostgres) -> Iterator[Network]:
    """Twelve organisations with six logins each: 72."""
    made = make_network(cluster, organisations=12)
    yield made
    drop_network(cluster, made)


@pytest.fixture
async def open_database(network: Network) -> AsyncIterator[OpenDatabase]:
    """Opens databases with other settings; all are closed at the end."""
    opened: list[Database] = []

    def open_one(generations: Generations | None = None, **settings: object) -> Database:
        opened.append(network.open(generations, **settings))
        return opened[-1]

    yield open_one
    for database in opened:
        await database.close()


@pytest.fixture
def database(open_database: OpenDatabase) -> Database:
    return open_database()


@pytest.fixture
async def proxy(network: Network) -> AsyncIterator[Proxy]:
    async with proxy_before(network.url) as running:
        yield running


@pytest.fixture
def member(network: Network) -> Member:
    return network.members[0]


@pytest.fixture
def colleague(network: Network, member: Member) -> Member:
    """Somebody of the same organisation in another role."""
    return next(other for other in network.members[1:] if other.organisation == member.organisation)


@pytest.fixture
def stranger(network: Network, member: Member) -> Member:
    """Somebody of another organisation."""
    return next(other for other in network.members if other.organisation != member.organisation)


@pytest.fixture
def words(network: Network) -> Iterator[str]:
    """Words that no other test writes; no note that begins with them stays."""
    words = f"written {uuid4()}"
    yield words
    network.execute("delete from app.notes where words like %s", (f"{words}%",))
