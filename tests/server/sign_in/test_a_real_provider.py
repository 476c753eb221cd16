"""Signing in with a second OpenID provider that others have written: npm's ``oidc-provider``, on this machine."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from time import time
from urllib.parse import urljoin
from uuid import UUID

import httpx
import pytest
from tests.conformance.programs import FOLDER, installed_node
from tests.support.granting import Granting
from tests.support.provider import CLIENT, SECRET, Provider, Way, beside_a_provider, put_link, register
from tests.support.proving import ISSUER
from tests.support.visiting import Known, Visitor


@pytest.fixture
def granting(granting: Granting) -> Granting:
    return beside_a_provider(granting)


@pytest.fixture
def way(visitor: Visitor, granting: Granting) -> Iterator[Way]:
    """The way of somebody in cbo-a to the provider of her organisation."""
    node = installed_node()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    provider = Provider(time, issuer=f"http://127.0.0.1:{port}")
    upstream = register(granting, provider)
    with running(node, port, upstream):
        yield Way(visitor, provider, upstream)


@contextmanager
def running(node: str, port: int, upstream: UUID) -> Iterator[None]:
    """The provider, as long as the block lasts."""
    told = {
        "PROVIDER_PORT": str(port),
        "PROVIDER_CLIENT": CLIENT,
        "PROVIDER_SECRET": SECRET,
        "PROVIDER_BACK": f"{ISSUER}/sign-in/upstream/{upstream}",
    }
    command = [node, "provider.mjs"]
    with subprocess.Popen(
        command, cwd=FOLDER, env={**environ, **told}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().decode().strip() == f"http://127.0.0.1:{port}"
            yield
        finally:
            process.kill()


def signed_in_there(address: str, name: str) -> str:
    """Somebody signs in there with her browser; the address that she is sent back to."""
    with httpx.Client() as http:
        while not address.startswith(ISSUER):
            asked = f"{address}?as={name}" if "/interaction/" in address else address
            answer = http.get(asked)
            assert answer.status_code in (302, 303), answer.text
            address = urljoin(asked, answer.headers["location"])
    return address


@pytest.mark.slow  # a program of Node's is installed and started
def test_whom_it_knows_is_signed_in_and_nobody_else(way: Way, granting: Granting, manager: Known) -> None:
    put_link(granting.connections.connection, way.upstream, manager.id, "asha")
    way.visitor.get(signed_in_there(way.go(), "bela"))
    assert way.visitor.page.status_code == 400

    way.visitor.get(signed_in_there(way.go(), "asha"))
    assert way.visitor.page.request.url.path == "/sign-in/code"
    way.visitor.post(code=manager.code())
    way.visitor.post(answer="allow")
    assert granting.exchange(way.visitor.told["code"]).status == 200
    assert granting.rows(
        "select s.person_id, s.acr from sec.sessions s join sec.codes c on c.session_id = s.id"
    ) == [(manager.id, "2")]
