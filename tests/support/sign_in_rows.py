"""Rows of whoever signs in, and of what signs in for her: programs, invitations, and what the issuer keeps."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg.types.json import Jsonb
from tests.support.made import EARLIER, LATER, Labelled, author, made, marker
from tests.support.people import Member, Row, named

from pat_auth.policy import Role


def rows_of_client(slug: str, label: str) -> Iterator[tuple[str, Row]]:
    """A program with a key, and somebody who is invited."""
    yield made(
        slug,
        "clients",
        label,
        name=f"{slug} {label}",
        kind="PUBLIC",
        redirect_uris=[f"https://{label}.{slug}.example/back"],
        origins=[f"https://{label}.{slug}.example"],
        scopes=["cases"],
        updated_by=author(slug),
    )
    yield made(
        slug,
        "client_keys",
        label,
        client_id=named(slug, "clients", label),
        kid=label,
        jwk=Jsonb({"kid": label}),
    )
    yield made(
        slug,
        "invitations",
        label,
        email=f"{label}@{slug}.example",
        name=f"{slug} {label}",
        role=Role.COUNSELLOR.value,
        token_hash=marker(slug, label),
        expires_at=LATER,
    )


def rows_of_sign_in(member: Member) -> dict[str, Labelled]:
    """A row of each table that the issuer keeps: what the member left when she signed in, all of it over."""
    browser, client = named(member.name, "browser"), named(member.slug, "clients", "hers")
    upstream = named(member.name, "upstream")
    hers = {"person_id": member.person}
    asked = {"client": client, "membership_id": member.membership, "expires_at": EARLIER}
    rows: dict[str, Row] = {
        "browsers": {"id": browser, "secret_hash": b"browser", **hers, "expires_at": EARLIER},
        "asks": {"id": named(member.name, "ask"), "browser_id": browser, **asked, "query": "scope=cases"},
        "consents": {**hers, "client": client, "membership_id": member.membership, "scopes": ["cases"]},
        "codes": {
            "hash": b"code",
            **hers,
            **asked,
            "organisation_id": member.organisation,
            "browser_id": browser,
            "redirect_uri": "https://hers.cbo-a.example/back",
            "scopes": ["cases"],
            "challenge": "challenge",
            "auth_time": EARLIER,
            "acr": "2",
            "amr": ["pwd", "otp"],
        },
        "refresh_tokens": {
            "hash": b"token",
            "session_id": member.session,
            "number": 0,
            "scopes": ["cases"],
            "expires_at": EARLIER,
        },
        "assertions": {"client": client, "jti_hash": b"jti", "expires_at": EARLIER},
        "attempts": {"kind": "ACCOUNT", "key": b"key", "last_at": EARLIER, "next_at": EARLIER},
        "secrets": {**hers, "kind": "PASSWORD", "hash": "hash"},
        "second_factors": {**hers, "id": named(member.name, "second factor"), "sealed": b"sealed"},
        "recovery_codes": {**hers, "hash": b"recovery"},
        "mails": {"id": named(member.name, "mail"), "sealed": b"sealed", "expires_at": EARLIER},
        "passkeys": {**hers, "id": b"passkey", "handle": b"handle", "public_key": b"key", "sign_count": 0},
        "resets": {**hers, "key": b"key", "token_hash": b"reset", "expires_at": EARLIER},
        "challenges": {
            "browser_id": browser,
            "purpose": "SIGN_IN",
            "challenge": b"challenge",
            "expires_at": EARLIER,
        },
        "upstreams": {
            "id": upstream,
            "organisation_id": member.organisation,
            "name": "Their own",
            "issuer": "https://provider.example",
            "client_id": "pat",
            "disabled_at": EARLIER,
        },
        "upstream_visits": {
            "state_hash": b"state",
            "upstream_id": upstream,
            "browser_id": browser,
            "created_at": EARLIER,
            "expires_at": EARLIER,
        },
        "upstream_identities": {**hers, "upstream_id": upstream, "subject": "subject", "ended_at": EARLIER},
    }
    return {f"sec.{table}": {"hers": row} for table, row in rows.items()}
