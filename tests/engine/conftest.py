"""The toy tables in a database of their own, and engines over them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.engine.toy import Toy, toy_engine

from pat_platform.postgres import EmbeddedPostgres

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def toy_connection(cluster: EmbeddedPostgres) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database with the toy tables."""
    with psycopg.connect(cluster.url(), autocommit=True) as admin:
        admin.execute("create database toy")
    with psycopg.connect(cluster.url(database="toy"), autocommit=True) as connection:
        connection.execute((HERE / "toy.sql").read_text())
        yield connection


@pytest.fixture
def toy(toy_connection: psycopg.Connection[Any]) -> Toy:
    """The toy, with a new engine."""
    return Toy(toy_connection, toy_engine())


@pytest.fixture(scope="module")
def toy_module(toy_connection: psycopg.Connection[Any]) -> Toy:
    """The toy, with an engine that a module's tests share."""
    return Toy(toy_connection, toy_engine(max_cost=10_000_000))
