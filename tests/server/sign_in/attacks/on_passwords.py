"""Passwords that somebody else would like to choose, browsers that say they are known, and what a client became after it was allowed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.server.sign_in.attacks.on_pages import silently
from tests.server.sign_in.attacks.scene import ACCEPTED, Attack, Scene, always, never, outcome
from tests.support.cutting import Condition, Cut, Line, Value
from tests.support.mailbox import letters, link_in
from tests.support.visiting import Visitor, know

from pat_auth.issuer import consents, known_browsers, resets, throttle
from pat_auth.issuer.models import Counter
from pat_auth.issuer.totp import spend_code
from pat_auth.policy import Role
from pat_server.sign_in import forgotten, resetting
from pat_server.sign_in.resetting import Holder
from pat_server.sign_in.visits import Visit

NEW = "an egret on the far bank"
KNOWN = "__Host-pat-known"
_FINDS, _RESETS = "sec.find_reset", "sec.reset_password"
_IS_HERS = known_browsers._is_hers


def link(scene: Scene) -> str:
    """Where the link leads that somebody had sent to the manager, who has a generator."""
    manager, visitor = scene.manager, scene.visitor
    visitor.get("/sign-in/forgotten")
    visitor.post(email=manager.email)
    return link_in(letters(scene.granting)[-1])


def without_generator(scene: Scene) -> None:
    scene.granting.rows("delete from sec.second_factors where person_id = %s", scene.granting.who.person)


def choose(visitor: Visitor, **values: Any) -> Any:
    return visitor.post(**{"password": NEW, "again": NEW, **values})


def with_the_mailbox_alone(scene: Scene) -> Any:
    """He reads her mail, and sends the form that comes after the code with what he was shown."""
    visitor = scene.visitor
    visitor.get(link(scene))
    fields = visitor.read.forms[0].fields
    return scene.http.post(
        "/sign-in/reset",
        data={**fields, "password": NEW, "again": NEW},
        headers={"sec-fetch-site": "same-origin"},
    )


def with_a_code_that_was_used(scene: Scene) -> Any:
    visitor, manager, granting = scene.visitor, scene.manager, scene.granting
    code = manager.code()
    with granting.connections.transaction() as connection:
        assert spend_code(connection, granting.service, manager.id, code)
    visitor.get("/sign-in/forgotten")
    visitor.post(email=manager.email)
    visitor.get(link_in(letters(granting)[-1]))
    return visitor.post(code=code)


def opened(name: str, statement: str, *guard: Cut) -> Attack:
    """A link that was good, and is not any more when the password comes."""

    def attempt(scene: Scene) -> Any:
        where = link(scene)
        without_generator(scene)
        visitor = scene.visitor
        visitor.get(where)
        scene.change(statement)
        return choose(visitor)

    return Attack(f"reset: {name}", "page 404", attempt, guard)


def used_before(scene: Scene) -> Any:
    where = link(scene)
    without_generator(scene)
    visitor, stranger = scene.visitor, scene.stranger
    for each in (visitor, stranger):
        each.get(where)
    choose(visitor)
    # Each password makes the link to replace the one before worthless: as if it were the same.
    scene.change(
        "update sec.resets r set replaces = sha256(convert_to(s.hash, 'UTF8')) from sec.secrets s"
        " where s.person_id = %(person)s and r.person_id = %(person)s"
    )
    return choose(stranger)


def before_a_newer_one(scene: Scene) -> Any:
    older = link(scene)
    without_generator(scene)
    stranger = scene.stranger
    stranger.get(older)
    visitor = scene.visitor
    visitor.get("/sign-in/forgotten")
    ((email,),) = scene.granting.rows("select email from sec.people where id = %s", scene.granting.who.person)
    visitor.post(email=email)
    return choose(stranger)


def sent(name: str, headers: dict[str, str] | None, *guard: Cut, **values: Any) -> Attack:
    def attempt(scene: Scene) -> Any:
        where = link(scene)
        without_generator(scene)
        visitor = scene.visitor
        visitor.get(where)
        return choose(visitor, headers=headers, **values)

    return Attack(f"reset: {name}", "page 403", attempt, guard)


def letter_for_another_site(scene: Scene) -> str:
    visitor, manager = scene.visitor, scene.manager
    visitor.get("/sign-in/forgotten")
    return outcome(visitor.post(headers={"sec-fetch-site": "cross-site"}, email=manager.email))


def many_letters(scene: Scene) -> str:
    """Her mailbox is filled."""
    visitor, manager = scene.visitor, scene.manager
    for _ in range(12):
        visitor.get("/sign-in/forgotten")
        visitor.post(email=manager.email)
    return ACCEPTED if len(letters(scene.granting)) == 12 else "few letters"


def chosen_by_her(scene: Scene) -> None:
    """She chooses a new password."""
    where = link(scene)
    without_generator(scene)
    visitor = scene.stranger
    visitor.get(where)
    choose(visitor)


def refreshed_afterwards(scene: Scene) -> Any:
    chosen_by_her(scene)
    return scene.refresh()


def signed_in_afterwards(scene: Scene) -> Any:
    visitor = scene.signed_in()
    chosen_by_her(scene)
    return silently(visitor)


def known_as(name: str, said: Callable[[Scene, UUID], str], *guard: Cut) -> Attack:
    """The account is slowed down, and somebody says that his browser is known there: with her password, to see whether it is heard."""

    def attempt(scene: Scene) -> Any:
        manager, visitor = scene.manager, scene.visitor
        kept = said(scene, manager.id)
        scene.http.cookies.clear()
        visitor.ask()
        for _ in range(6):
            visitor.post(email=manager.email, password="a guess of many")
        scene.http.cookies.set(KNOWN, kept, domain="pat.example", path="/")
        return visitor.post(email=manager.email, password=manager.password)

    return Attack(f"known browser: {name}", "page 400", attempt, guard)


def kept_by(scene: Scene, person: UUID) -> str:
    """What the browser keeps in which somebody has signed in."""
    granting = scene.granting
    with granting.connections.transaction() as connection:
        kept = known_browsers.keep_known(connection, granting.service, "", person)
    assert kept is not None
    return kept


def of_somebody_else(scene: Scene, _: UUID) -> str:
    return kept_by(
        scene, know(scene.granting, scene.granting.wall.member("cbo-b", Role.COUNSELLOR).person).id
    )


def of_long_ago(scene: Scene, person: UUID) -> str:
    kept = kept_by(scene, person)
    scene.granting.clock.pass_by(days=181)
    return kept


def guessed_with_one_that_was_stolen(scene: Scene) -> str:
    manager = scene.manager
    stolen, visitor = kept_by(scene, manager.id), scene.visitor
    scene.http.cookies.set(KNOWN, stolen, domain="pat.example", path="/")
    visitor.ask()
    for _ in range(8):
        visitor.post(email=manager.email, password="a guess of many")
    visitor.post(email=manager.email, password=manager.password)
    return outcome(visitor.page)


def changed_since(scene: Scene) -> Any:
    visitor = scene.signed_in()
    scene.change(
        "update app.clients set redirect_uris = redirect_uris || '{https://evil.example/}' where id = %(client)s"
    )
    return silently(visitor)


def changed_while_she_read(scene: Scene) -> Any:
    visitor = scene.signed_in(is_allowed=False)
    scene.change("update app.clients set name = 'Another name' where id = %(client)s")
    return visitor.post(answer="allow")


HERE = Value(resetting, "is_from_here", always)
OURS = Value(Holder, "is_ours", always)
SIGNED = Line(_IS_HERS, "hmac.compare_digest(tag, _tag(service, signed, owner))", "True")
_STANDING = """    perform sec.end_sessions(
        array(select s.id from sec.sessions s where s.person_id = found_person and s.expires_at > now()),
        'password reset');
"""

ATTACKS = (
    Attack(
        "reset: with the mailbox alone",
        "page 403",
        with_the_mailbox_alone,
        (Value(resetting, "has_second_factor", never),),
    ),
    Attack(
        "reset: with a form for whoever has shown a code",
        "page 403",
        with_the_mailbox_alone,
        (OURS,),
    ),
    Attack(
        "reset: with a code that was used",
        "page 400",
        with_a_code_that_was_used,
        (Value(resetting, "prove_second", always),),
    ),
    opened(
        "a link of long ago",
        "update sec.resets set expires_at = now() where person_id = %(person)s",
        Condition(_FINDS, "and r.expires_at > now()"),
    ),
    opened(
        "somebody who was disabled",
        "update sec.people set disabled_at = now() where id = %(person)s",
        Condition(_FINDS, "and p.disabled_at is null"),
    ),
    opened(
        "a link from before her password was changed",
        "update sec.secrets set hash = 'another' where person_id = %(person)s",
        Condition(_FINDS, "and sha256(convert_to(s.hash, 'UTF8')) = r.replaces"),
    ),
    Attack(
        "reset: a link that was used", "page 404", used_before, (Condition(_FINDS, "and r.used_at is null"),)
    ),
    Attack(
        "reset: a link from before a newer one",
        "page 404",
        before_a_newer_one,
        (Line(resets.ask_reset, 'f"reset|{email}".encode()', "token.encode()"),),
    ),
    sent("a form that another site sends", {"sec-fetch-site": "cross-site"}, HERE),
    sent("a form from nowhere", {}, HERE),
    sent("a form without its token", None, OURS, form_token=None),
    sent("a form with another token", None, OURS, form_token="0" * 64),
    Attack(
        "reset: a letter that another site has sent",
        "page 403",
        letter_for_another_site,
        (Value(forgotten, "is_from_here", always),),
    ),
    Attack(
        "reset: a mailbox full of letters",
        "few letters",
        many_letters,
        (Value(resets, "admit", always),),
    ),
    Attack(
        "reset: a refresh token from before",
        "400 invalid_grant",
        refreshed_afterwards,
        (Condition(_RESETS, _STANDING),),
    ),
    Attack(
        "reset: a browser from before",
        "told login_required",
        signed_in_afterwards,
        (
            Condition(
                _RESETS,
                "update sec.browsers b set ended_at = now() where b.person_id = found_person and b.ended_at is null;",
            ),
        ),
    ),
    known_as("of somebody else", of_somebody_else, SIGNED),
    known_as("made up", lambda *_: "A" * 48, SIGNED, Line(_IS_HERS, "age <= LASTS.total_seconds()", "True")),
    known_as("of half a year ago", of_long_ago, Line(_IS_HERS, "age <= LASTS.total_seconds()", "True")),
    Attack(
        "known browser: guesses with one that was stolen",
        "page 400",
        guessed_with_one_that_was_stolen,
        (
            Value(
                throttle,
                "PACES",
                {**throttle.PACES, Counter.BROWSER: throttle.Pace(1_000, timedelta(0))},
            ),
        ),
    ),
    Attack(
        "page: without consent to what the client has become",
        "told consent_required",
        changed_since,
        (Line(consents.is_allowed, " and client_hash = %s", " and %s::bytea is not null"),),
    ),
    Attack(
        "page: a client that was changed while she read its page",
        "page 403",
        changed_while_she_read,
        (Line(Visit.about, "hash_of(self.errand.wish.client).hex()", "''"),),
    ),
)
