"""Refresh tokens that are stolen, sessions that should have ended, and signing others out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6749 import RefreshTokenGrant
from joserfc.jwk import ECKey
from tests.server.sign_in.attacks.on_access_tokens import forged
from tests.server.sign_in.attacks.on_codes import ENABLED, RESOURCE
from tests.server.sign_in.attacks.scene import ACCEPTED, BYE, EVIL, Attack, Scene, always, nothing, outcome
from tests.support.cutting import Condition, Cut, Line, Value, unverified

from pat_auth.issuer import refreshing
from pat_auth.issuer.endpoints import EndSession, Revocable
from pat_auth.issuer.refreshing import Refresh, RefreshGrant
from pat_server.sign_in import leaving

INVALID = "400 invalid_grant"
_FINDS = RefreshGrant.authenticate_refresh_token
_CLAIMS = EndSession._claims
LATER = Value(refreshing, "REPEATABLE", timedelta(days=1))
ENDS_FAMILY = Line(_FINDS, "revoke_session(connection, found.session, because)", "pass")
IS_LIVE = Value(refreshing, "is_live", always)
UNVERIFIED = Line(
    _CLAIMS,
    "jwt.decode(hint, keys, algorithms=[ALGORITHM])",
    "__import__('tests.support.cutting', fromlist=['x']).unverified(hint)",
)


def replayed_late(scene: Scene) -> Any:
    scene.refresh()
    scene.granting.clock.pass_by(seconds=31)
    return scene.refresh()


def replayed_after_its_successor(scene: Scene) -> Any:
    after = scene.refresh().json()
    scene.refresh(after["refresh_token"])
    return scene.refresh()


def successor_of_a_replayed_one(scene: Scene) -> Any:
    after = scene.refresh().json()
    scene.granting.clock.pass_by(seconds=31)
    scene.refresh()
    return scene.refresh(after["refresh_token"])


def access_token_of_a_replayed_one(scene: Scene) -> Any:
    after = scene.refresh().json()
    scene.granting.clock.pass_by(seconds=31)
    scene.refresh()
    return scene.userinfo(after["access_token"])


def prolonged_by_asking_again(scene: Scene) -> Any:
    """Somebody who follows shows the same token every 20 seconds."""
    for _ in range(2):
        scene.refresh()
        scene.granting.clock.pass_by(seconds=20)
    return scene.refresh()


def by_another_client(scene: Scene) -> Any:
    return scene.refresh(client_id=str(scene.granting.put_client(scopes=("cases",))))


def after_one_of_another_client(scene: Scene) -> Any:
    by_another_client(scene)
    return scene.refresh()


def too_late(scene: Scene) -> Any:
    scene.granting.clock.pass_by(hours=8)
    return scene.refresh()


def with_more_than_its_client_may(scene: Scene) -> str:
    scene.granting.rows(
        "update app.clients set scopes = '{groups,cases}' where id = %s", scene.granting.client
    )
    tokens = scene.exchange(scene.granting.code(scope="cases groups")).json()
    scene.granting.rows("update app.clients set scopes = '{cases}' where id = %s", scene.granting.client)
    answer = scene.refresh(tokens["refresh_token"])
    return ACCEPTED if "groups" in answer.json()["scope"] else "fewer scopes"


def refreshed(name: str, error: str, *guard: Cut, **changes: str) -> Attack:
    return Attack(f"refresh: {name}", error, lambda scene: scene.refresh(**changes), guard)


def changed(name: str, statement: str, *guard: Cut, error: str = INVALID) -> Attack:
    def attempt(scene: Scene) -> Any:
        scene.change(statement)
        return scene.refresh()

    return Attack(f"refresh: {name}", error, attempt, guard)


def revoked_by_another_client(scene: Scene) -> Any:
    return scene.revoke(scene.tokens["refresh_token"], scene.granting.put_client())


def revoked_by_nobody(scene: Scene) -> Any:
    scene.change("update app.clients set disabled_at = now() where id = %(client)s")
    return scene.revoke(scene.tokens["refresh_token"], scene.granting.client)


def hint(scene: Scene, key: ECKey | None = None, header: Any = None, **claims: Any) -> str:
    """An ID token for the session that the scene's client has, changed and signed."""
    return forged(scene, header, key, **{**unverified(scene.tokens["id_token"]).claims, **claims})


def leaves(scene: Scene, **query: str) -> str:
    """Whether a browser is sent to an address by signing out."""
    answer = scene.leave(**query)
    return ACCEPTED if "location" in answer.headers else f"page {answer.status_code}"


def ended(scene: Scene, **query: str) -> str:
    """Whether somebody who is signed in is signed out by a link that her browser opened."""
    visitor = scene.signed_in()
    scene.leave(**query)
    visitor.ask(prompt="none", scope="openid cases")
    return "still signed in" if outcome(visitor.page) == ACCEPTED else ACCEPTED


def ended_by_a_form(scene: Scene, **headers: str) -> str:
    visitor = scene.signed_in()
    visitor.get("/oauth/logout")
    visitor.post(headers=headers)
    return outcome(visitor.page)


def ended_by_a_form_of_another_browser(scene: Scene) -> str:
    stranger = scene.stranger
    stranger.ask()
    stranger.get("/oauth/logout")
    (form,) = stranger.read.forms
    visitor = scene.signed_in()
    visitor.get("/oauth/logout")
    visitor.post(form_token=form.fields["form_token"])
    return outcome(visitor.page)


STRANGER = ECKey.generate_key("P-256")
ID_TOKEN = {"typ": "JWT"}

ATTACKS = (
    Attack("refresh: replayed late", INVALID, replayed_late, (LATER,)),
    Attack(
        "refresh: replayed after its successor was used",
        INVALID,
        replayed_after_its_successor,
        (Line(RefreshGrant._why_stolen, "return None if unused else REPLAYED", "return None"),),
    ),
    Attack("refresh: the successor of a replayed one", INVALID, successor_of_a_replayed_one, (ENDS_FAMILY,)),
    Attack(
        "refresh: the access token after a replay",
        "401 invalid_token",
        access_token_of_a_replayed_one,
        (ENDS_FAMILY,),
    ),
    Attack(
        "refresh: kept alive by asking again",
        INVALID,
        prolonged_by_asking_again,
        (Line(RefreshGrant.revoke_old_credential, " and used_at is null", ""),),
    ),
    Attack(
        "refresh: by another client", INVALID, by_another_client, (Value(Refresh, "check_client", always),)
    ),
    Attack(
        "refresh: after another client has shown it",
        INVALID,
        after_one_of_another_client,
        (ENDS_FAMILY,),
    ),
    Attack(
        "refresh: unused for eight hours",
        INVALID,
        too_late,
        (Line(_FINDS, "if found.expires_at <= self.server.service.clock():", "if False:"),),
    ),
    refreshed(
        "more scopes than were consented to",
        "400 invalid_scope",
        Value(RefreshTokenGrant, "_validate_token_scope", nothing),
        scope="cases identity",
    ),
    Attack(
        "refresh: what its client may not have any more",
        "fewer scopes",
        with_more_than_its_client_may,
        (Line(RefreshGrant._scopes, " & (self.request.client.scopes | {OPENID})", ""),),
    ),
    refreshed("another resource", "400 invalid_target", RESOURCE, resource=EVIL),
    changed(
        "membership ended",
        "update app.memberships set ended_at = now() where id = %(membership)s",
        Condition("sec.is_live", "and m.ended_at is null"),
    ),
    changed(
        "person disabled",
        "update sec.people set disabled_at = now() where id = %(person)s",
        Condition("sec.is_live", "and p.disabled_at is null"),
    ),
    changed(
        "session ended",
        "update sec.sessions set revoked_at = now() where client = %(client)s::text",
        Condition("sec.is_live", "and s.revoked_at is null"),
    ),
    changed(
        "session over",
        "update sec.sessions set expires_at = now() where client = %(client)s::text",
        Condition("sec.is_live", "and s.expires_at > now()"),
    ),
    changed(
        "another role",
        "update app.memberships set role = 'mis_focal' where id = %(membership)s",
        IS_LIVE,
    ),
    changed(
        "client disabled",
        "update app.clients set disabled_at = now() where id = %(client)s",
        ENABLED,
        Condition("sec.is_live", " and c.disabled_at is null"),
        error="401 invalid_client",
    ),
    Attack(
        "revoking: by another client",
        INVALID,
        revoked_by_another_client,
        (Value(Revocable, "check_client", always),),
    ),
    Attack("revoking: by a disabled client", "401 invalid_client", revoked_by_nobody, (ENABLED,)),
    Attack(
        "leaving: a hint of another's signature",
        "page 400",
        lambda s: leaves(s, id_token_hint=hint(s, STRANGER, ID_TOKEN), post_logout_redirect_uri=BYE),
        (UNVERIFIED,),
    ),
    Attack(
        "leaving: an access token for a hint",
        "page 400",
        lambda s: leaves(s, id_token_hint=hint(s), post_logout_redirect_uri=BYE),
        (Line(_CLAIMS, 'if set(token.header) != _HEADERS or token.header["typ"] != _TYPE:', "if False:"),),
    ),
    Attack(
        "leaving: a hint of another issuer",
        "page 400",
        lambda s: leaves(s, id_token_hint=hint(s, None, ID_TOKEN, iss=EVIL), post_logout_redirect_uri=BYE),
        (Line(_CLAIMS, 'claims["iss"] != self.server.service.issuer or ', ""),),
    ),
    Attack(
        "leaving: to another's address",
        "page 200",
        lambda s: leaves(s, id_token_hint=s.tokens["id_token"], post_logout_redirect_uri=EVIL),
        (Value(EndSession, "_is_valid_post_logout_redirect_uri", always),),
    ),
    Attack(
        "leaving: to an address though nothing shows who is meant",
        "page 200",
        lambda s: leaves(s, client_id=str(s.granting.client), post_logout_redirect_uri=BYE),
        (Value(EndSession, "is_post_logout_redirect_uri_legitimate", always),),
    ),
    Attack("leaving: by a link", "still signed in", ended, (Value(leaving, "_is_meant", always),)),
    Attack(
        "leaving: by a link with another's hint",
        "still signed in",
        lambda s: ended(s, id_token_hint=s.tokens["id_token"]),
        (Value(leaving, "is_opened_in", always),),
    ),
    Attack(
        "leaving: by a form of another page",
        "page 403",
        lambda s: ended_by_a_form(s, **{"sec-fetch-site": "cross-site"}),
        (Value(leaving, "is_from_here", always),),
    ),
    Attack(
        "leaving: by a form of another browser",
        "page 403",
        ended_by_a_form_of_another_browser,
        (Value(leaving, "is_token", always),),
    ),
)
