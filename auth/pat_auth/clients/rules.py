"""What a client may be registered with. Pure decisions.

What is registered here is compared byte by byte later (RFC 9700 §2.1): whatever could be read in two ways is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from pat_auth.clients.models import ClientKind, Serves
from pat_auth.scopes import SCOPES
from pat_platform.errors import Refused
from pat_platform.texts import plain

T = TypeVar("T")

NAME_LIMIT = 80
MOST_ADDRESSES = 10
LONGEST_ADDRESS = 500
LONGEST_KEY = 2_000
CURVE = "P-256"

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ORIGIN = rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*|\[::1\])(?::(?P<port>[1-9][0-9]{{0,4}}))?"
_PATH = r"/(?:[A-Za-z0-9._~!$&'()+,;=:@/-]|%[0-9A-Fa-f]{2})*"
_AN_ORIGIN = re.compile(_ORIGIN)
_AN_ADDRESS = re.compile(_ORIGIN + rf"(?P<path>{_PATH})")
_DOTS = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)
_KID = re.compile(r"[A-Za-z0-9._~-]{1,100}")

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_DEFAULT_PORTS = frozenset({("https", "443"), ("http", "80")})
_LAST_PORT = 65_535


def is_a_name(text: str) -> str:
    """The name of a client, as people read it when they are asked whether they let it in. Raises Refused for none, or an endless one."""
    if not text.strip():
        raise Refused("NAME_EMPTY", "The name is empty. Write what people know this program as.", "name")
    return plain(text, limit=NAME_LIMIT, field="name")


def asks_for_itself(kind: ClientKind, scopes: Sequence[str], serves: Serves = Serves.ORGANISATION) -> None:
    """Raises Refused for a machine that could ask for nothing, or that would act for others than its organisation."""
    if kind is ClientKind.MACHINE and not scopes:
        sentence = "A machine names what it asks for each time. Give it one scope at least."
        raise Refused("SCOPE_MISSING", sentence, "scopes")
    if kind is ClientKind.MACHINE and serves is not Serves.ORGANISATION:
        sentence = "A machine acts for the organisation that it is registered for, and for no other."
        raise Refused("MACHINE_OF_ONE", sentence, "kind")


def are_addresses(addresses: Sequence[str], *, field: str, allows_loopback: bool) -> list[str]:
    """Where a client may have people sent back to, each once, in their order.

    An address is https, with a path and nothing after it. ``allows_loopback``: http too, on the very machine of whoever develops
    a client. Raises Refused for any other, and for too many.
    """

    def is_fit(address: str) -> bool:
        found = _AN_ADDRESS.fullmatch(address)
        return (
            found is not None
            and _is_reachable(found, allows_loopback=allows_loopback)
            and not any(_DOTS.fullmatch(segment) for segment in found["path"].split("/"))
        )

    sentence = "Write each address whole, such as https://app.example.org/back: without *, ? or #."
    return _each(addresses, is_fit, Refused("ADDRESS_INVALID", sentence, field))


def leads_back(kind: ClientKind, redirect_uris: Sequence[str]) -> None:
    """Raises Refused for a client that people sign in to and could not be sent back to, and for a machine that has an address."""
    if kind is ClientKind.MACHINE and redirect_uris:
        sentence = (
            "Nobody signs in to a machine: leave the addresses out, or register a program of another kind."
        )
        raise Refused("ADDRESS_NOT_USED", sentence, "redirectUris")
    if kind is not ClientKind.MACHINE and not redirect_uris:
        sentence = "Nobody could be sent back to this program. Name the address at least once."
        raise Refused("ADDRESS_MISSING", sentence, "redirectUris")


def first_key(kind: ClientKind, jwk: str | None) -> dict[str, Any] | None:
    """The public key that a client begins with; None for a public one, which has none. Raises Refused for any other pair."""
    if kind is ClientKind.PUBLIC:
        if jwk is not None:
            raise Refused("KEY_NOT_USED", "A public program signs nothing: leave the key out.", "jwk")
        return None
    if jwk is None:
        sentence = "This program has to show that it is itself. Give the public key that it signs with."
        raise Refused("KEY_MISSING", sentence, "jwk")
    return is_a_public_key(jwk)


def are_origins(origins: Sequence[str], *, allows_loopback: bool) -> list[str]:
    """Whose pages may ask the API from within a browser, written as browsers write them. Raises Refused for what is no origin."""

    def is_fit(origin: str) -> bool:
        found = _AN_ORIGIN.fullmatch(origin)
        return (
            found is not None
            and (found["scheme"], found["port"]) not in _DEFAULT_PORTS
            and _is_reachable(found, allows_loopback=allows_loopback)
        )

    sentence = "Write each origin as browsers do, such as https://app.example.org: nothing after the name."
    return _each(origins, is_fit, Refused("ORIGIN_INVALID", sentence, "origins"))


def are_scopes(scopes: Sequence[str]) -> list[str]:
    """What a client may ask for at most, in order of name. Raises Refused for a scope that there is not."""
    if unknown := set(scopes) - SCOPES:
        known = ", ".join(sorted(SCOPES))
        # Somebody's words are told back to nobody.
        sentence = f"{len(unknown)} of these scopes are not known. There are: {known}."
        raise Refused("SCOPE_UNKNOWN", sentence, "scopes")
    return sorted(set(scopes))


def is_a_public_key(text: str) -> dict[str, Any]:
    """The public key of a client, given as JSON (RFC 7517), as it is kept: its coordinates, and the id that it is found by.

    Raises Refused for anything but a point of P-256, and for a key that is not public any more because it was shown here.
    """
    given = _json(text)
    if "d" in given:
        sentence = (
            "This is the private key, which is no secret now. Make a new one and give its public part alone."
        )
        raise Refused("KEY_PRIVATE", sentence, "jwk")
    kept: dict[str, Any] = {name: given.get(name) for name in ("kty", "crv", "x", "y")}
    try:
        key = ECKey.import_key(kept)
        # The library reads the point when it is first needed.
        is_fit = kept["kty"] == "EC" and key.curve_name == CURVE and key.public_key is not None
    except (JoseError, ValueError, TypeError):
        is_fit = False
    kid = given.get("kid", key.thumbprint() if is_fit else None)
    if not is_fit or not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise _no_key()
    return {**kept, "kid": kid}


def signs(kind: ClientKind) -> None:
    """Raises Refused for a client that has no key to renew."""
    if kind is ClientKind.PUBLIC:
        raise Refused(
            "CLIENT_WITHOUT_KEY", "This program signs in without a key: there is none to renew.", "id"
        )


def is_new(key: Mapping[str, Any], known: Iterable[Mapping[str, Any]]) -> None:
    """Raises Refused for a key that a client has had before, under whatever id, and for an id that another key of its had."""
    if any(each["kid"] == key["kid"] or _point(each) == _point(key) for each in known):
        raise Refused("KEY_KNOWN", "The program has had this key before. Make a new one.", "jwk")


def retired(believed: Sequence[T], *, retire_others: bool) -> Sequence[T]:
    """Which of the keys that are believed, newest first, are no more once there is another: all but the newest, or all."""
    return believed if retire_others else believed[1:]


def _point(key: Mapping[str, Any]) -> tuple[Any, Any]:
    return key["x"], key["y"]


def _json(text: str) -> dict[str, Any]:
    if len(text) > LONGEST_KEY:
        raise _no_key()
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise _no_key() from None
    if not isinstance(given, dict):
        raise _no_key()
    return given


def _no_key() -> Refused:
    sentence = f"Give the public key as JSON: kty EC, crv {CURVE}, x, y, and a kid of letters and digits if it has one."
    return Refused("KEY_INVALID", sentence, "jwk")


def _is_reachable(found: re.Match[str], *, allows_loopback: bool) -> bool:
    if found["port"] is not None and int(found["port"]) > _LAST_PORT:
        return False
    if found["host"] in _LOOPBACK:
        return allows_loopback
    return found["scheme"] == "https"


def _each(given: Sequence[str], is_fit: Callable[[str], bool], unfit: Refused) -> list[str]:
    """All of them, each once. Raises ``unfit`` for one that is not, or is too long, and for too many."""
    if len(given) > MOST_ADDRESSES:
        raise Refused("ADDRESSES_TOO_MANY", f"There may be {MOST_ADDRESSES} at most.", unfit.field)
    if not all(len(each) <= LONGEST_ADDRESS and is_fit(each) for each in given):
        raise unfit
    return list(dict.fromkeys(given))
