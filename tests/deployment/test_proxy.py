"""The Caddyfile: what the proxy lets in, what it keeps to itself, and that it writes nobody down."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pytest
from tests.deployment.compose import ROOT, compose

from pat_server.asked import BODY_LIMIT

FILE = ROOT / "Caddyfile"
KILO = 1000
"""As Caddy counts."""
YEAR = 365 * 24 * 60 * 60


class Directive(NamedTuple):
    """A line of the file, and what stands in its braces."""

    words: tuple[str, ...]
    block: tuple[Directive, ...] = ()

    def all(self) -> Iterator[Directive]:
        """Itself, and all below it."""
        yield self
        for each in self.block:
            yield from each.all()


def read(lines: Iterator[str]) -> Iterator[Directive]:
    """The directives up to the brace that closes their block, or to the end."""
    for line in lines:
        words = tuple(shlex.split(line, comments=True))
        if words == ("}",):
            return
        if words[-1:] == ("{",):
            yield Directive(words[:-1], tuple(read(lines)))
        elif words:
            yield Directive(words)


def written(block: Iterable[Directive], *beginning: str) -> list[Directive]:
    """The directives that begin with these words."""
    return [each for each in block if each.words[: len(beginning)] == beginning]


@pytest.fixture(scope="module")
def file() -> tuple[Directive, ...]:
    """All of it: what holds for the whole proxy has no words."""
    return tuple(read(iter(FILE.read_text().splitlines())))


@pytest.fixture(scope="module")
def site(file: tuple[Directive, ...]) -> tuple[Directive, ...]:
    """The one site."""
    [found] = [each for each in file if each.words]
    assert found.words == ("{$PAT_HOST}",)
    return found.block


def test_the_proxy_reads_this_file_and_leads_to_the_api(site: tuple[Directive, ...]) -> None:
    services = compose()["services"]
    assert "./Caddyfile:/etc/caddy/Caddyfile:ro" in services["proxy"]["volumes"]
    assert "api" in services
    [port] = re.findall(r"^EXPOSE (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert [each.words for each in written(site, "reverse_proxy")] == [("reverse_proxy", f"api:{port}")]


def test_the_ports_that_it_listens_on_are_those_that_are_published(file: tuple[Directive, ...]) -> None:
    [whole] = [each.block for each in file if not each.words]
    published = {port.partition("/")[0] for port in compose()["services"]["proxy"]["ports"]}
    ports = {each.words[0]: each.words[-1] for each in whole}
    assert published == {f"80:{ports['http_port']}", f"443:{ports['https_port']}"}


def test_what_is_for_the_inside_is_not_found_outside(site: tuple[Directive, ...]) -> None:
    [matcher] = written(site, "@inner")
    assert matcher.words[1] == "path"
    assert {"/readyz", "/metrics"} <= set(matcher.words[2:])
    assert written(site, "respond", "@inner", "404")


def test_nobody_who_asks_is_written_down(file: tuple[Directive, ...]) -> None:
    words = {below.words[:1] for each in file for below in each.all()}
    # Another file might.
    assert not words & {("log",), ("import",), ("log_append",), ("debug",), ("tracing",)}


def test_it_takes_what_the_server_takes_and_not_much_more(site: tuple[Directive, ...]) -> None:
    [body] = written(site, "request_body")
    [limit] = written(body.block, "max_size")
    found = re.fullmatch(r"(\d+)KB", limit.words[1])
    assert found
    assert BODY_LIMIT < int(found[1]) * KILO <= 4 * BODY_LIMIT


def test_who_is_slow_does_not_hold_it_and_nobody_changes_it_while_it_runs(
    file: tuple[Directive, ...],
) -> None:
    [whole] = [each for each in file if not each.words]
    assert written(whole.block, "admin", "off")
    [timeouts] = [each for each in whole.all() if each.words == ("timeouts",)]
    assert {each.words[0] for each in timeouts.block} >= {"read_header", "read_body", "idle"}


def test_browsers_come_back_by_tls_alone_and_are_not_told_what_answers(site: tuple[Directive, ...]) -> None:
    [header] = written(site, "header")
    [strict] = written(header.block, "Strict-Transport-Security")
    age = re.match(r"max-age=(\d+)", strict.words[1])
    assert age
    assert int(age[1]) >= YEAR
    assert written(header.block, "-Server")
