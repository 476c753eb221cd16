"""Whose address counts: that of whoever asks, unless it is a proxy that the operator trusts."""

from __future__ import annotations

import socket

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from pat_server.commands.serving import ReadyServer
from pat_server.sign_in.asking import asked_of

ASKER, PROXY, HERE = "198.51.100.9", "203.0.113.5", "127.0.0.1"
SPOOFED = "192.0.2.1"


async def told(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the address by which attempts to sign in are counted."""
    asked = await asked_of(Request(scope, receive))
    await PlainTextResponse(asked.address)(scope, receive, send)


async def counted(peer: str, forwarded: str, header: str = "x-forwarded-for") -> str:
    """By which address an attempt is counted that comes from there, saying that."""
    with socket.socket() as bound:
        bound.bind((HERE, 0))
        server = ReadyServer(told, bound, on_ready=lambda: None)
        server.config.load()
        transport = httpx.ASGITransport(server.config.loaded_app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://pat.example") as client:
            return (await client.get("/", headers={header: forwarded})).text


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "client-ip"])
async def test_a_stranger_is_counted_by_her_own_address_whatever_she_says(header: str) -> None:
    assert await counted(ASKER, SPOOFED, header) == ASKER
    assert await counted(ASKER, f"for={SPOOFED}", header) == ASKER


async def test_a_proxy_on_this_machine_is_believed() -> None:
    assert await counted(HERE, ASKER) == ASKER


async def test_a_proxy_elsewhere_is_believed_once_it_is_named_and_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await counted(PROXY, ASKER) == PROXY
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", PROXY)
    assert await counted(PROXY, ASKER) == ASKER
    assert await counted(ASKER, SPOOFED) == ASKER
    assert await counted(HERE, SPOOFED) == HERE


async def test_of_what_a_proxy_passes_on_only_what_it_added_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", PROXY)
    assert await counted(PROXY, f"{SPOOFED}, {ASKER}") == ASKER


async def test_where_every_proxy_is_believed_it_must_replace_what_it_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert await counted(PROXY, ASKER) == ASKER
    assert await counted(PROXY, f"{SPOOFED}, {ASKER}") == SPOOFED
