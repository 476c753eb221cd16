"""Pages that another site opens or posts to, browsers that were prepared beforehand, and factors that were left out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tests.server.sign_in.attacks.scene import Attack, Scene, always, never
from tests.support.cutting import Cut, Line, Value
from tests.support.visiting import Visitor

from pat_auth.issuer import asks, authorizing, browsers, totp
from pat_auth.issuer.hashing import Hashing
from pat_server.sign_in import flow, visiting
from pat_server.sign_in.visits import Visit

SCOPE = "openid cases"


def posted(name: str, headers: dict[str, str] | None, *guard: Cut, **fields: str | None) -> Attack:
    """The form of the first page, filled in rightly, in a browser that somebody else makes send it."""

    def attempt(scene: Scene) -> Any:
        manager = scene.manager
        visitor = scene.visitor
        visitor.ask()
        typed: dict[str, Any] = {"email": manager.email, "password": manager.password, **fields}
        return visitor.post(headers=headers, **typed)

    return Attack(f"page: {name}", "page 403", attempt, guard)


def with_the_form_of_another_browser(scene: Scene) -> Any:
    manager, stranger, visitor = scene.manager, scene.stranger, scene.visitor
    stranger.ask()
    form = stranger.read.forms[0]
    visitor.ask()
    return visitor.post(email=manager.email, password=manager.password, form_token=form.fields["form_token"])


def opened_elsewhere(scene: Scene) -> Any:
    """Somebody else's ask, so that she would sign in for his client's state."""
    stranger, visitor = scene.stranger, scene.visitor
    stranger.ask()
    visitor.ask()
    return visitor.get(f"/sign-in?{urlsplit(str(stranger.page.request.url)).query}")


def opened_again(scene: Scene) -> Any:
    visitor = scene.signed_in(is_allowed=False)
    query = urlsplit(str(visitor.page.request.url)).query
    visitor.post(answer="deny")
    return visitor.get(f"/sign-in/allow?{query}")


def opened_late(scene: Scene) -> Any:
    visitor = scene.visitor
    visitor.ask()
    query = urlsplit(str(visitor.page.request.url)).query
    scene.granting.clock.pass_by(minutes=31)
    return visitor.get(f"/sign-in?{query}")


def silently(visitor: Visitor, **changes: str) -> Any:
    visitor.ask(scope=SCOPE, prompt="none", **changes)
    return visitor.page


def with_a_planted_secret(scene: Scene) -> Any:
    """Somebody has put his browser's secret into hers, and waits until she has signed in."""
    stranger = scene.stranger
    stranger.ask(scope=SCOPE)
    planted = stranger.secret
    scene.http.cookies.set("__Host-pat", planted, domain="pat.example", path="/")
    scene.signed_in()
    scene.other.cookies.clear()
    scene.other.cookies.set("__Host-pat", planted, domain="pat.example", path="/")
    return silently(scene.stranger)


def signed_in_too_long_ago(scene: Scene) -> Any:
    visitor = scene.signed_in()
    scene.granting.clock.pass_by(minutes=10)
    return silently(visitor, max_age="60")


def without_consent(scene: Scene) -> Any:
    return silently(scene.signed_in(is_allowed=False))


def without_second_factor(scene: Scene) -> Any:
    manager, visitor = scene.manager, scene.visitor
    visitor.ask(scope=SCOPE)
    visitor.post(email=manager.email, password=manager.password)
    return silently(visitor)


def with_another_password(scene: Scene) -> Any:
    manager, visitor = scene.manager, scene.visitor
    visitor.ask()
    visitor.post(email=manager.email, password="what a stranger guesses")
    return visitor.page


def with_a_code_again(scene: Scene) -> Any:
    """Somebody looked over her shoulder."""
    manager = scene.manager
    code = manager.code()
    for visitor in (scene.visitor, scene.stranger):
        visitor.ask()
        visitor.post(email=manager.email, password=manager.password)
        visitor.post(code=code)
    return visitor.page


_FIND = asks.find_ask
OURS = Value(Visit, "is_ours", always)
HERE = Value(visiting, "is_from_here", always)

ATTACKS = (
    posted("a form without its token", None, OURS, form_token=None),
    posted("a form with another token", None, OURS, form_token="0" * 64),
    Attack("page: a form of another browser", "page 403", with_the_form_of_another_browser, (OURS,)),
    posted("a form that another site sends", {"sec-fetch-site": "cross-site"}, HERE),
    posted("a form that a neighbour sends", {"sec-fetch-site": "same-site"}, HERE),
    posted("a form from another origin", {"origin": "https://evil.example"}, HERE),
    posted("a form from nowhere", {}, HERE),
    Attack(
        "page: an ask of another browser",
        "page 404",
        opened_elsewhere,
        (Line(_FIND, "and browser_id = %s", "and %s::uuid is not null"),),
    ),
    Attack(
        "page: an ask that was answered",
        "page 404",
        opened_again,
        (Line(_FIND, " and ended_at is null", ""),),
    ),
    Attack(
        "page: an ask of long ago",
        "page 404",
        opened_late,
        (Line(_FIND, "and expires_at > %s", "and %s::timestamptz is not null"),),
    ),
    Attack(
        "page: a secret that was planted before she signed in",
        "told login_required",
        with_a_planted_secret,
        (Line(browsers._promote, "new = _new_secret()", "new = secret"),),
    ),
    Attack(
        "page: signed in longer ago than the client wants",
        "told login_required",
        signed_in_too_long_ago,
        (Line(authorizing.is_enough, "(wish.max_age is None or age <= wish.max_age)", "True"),),
    ),
    Attack(
        "page: without consent",
        "told consent_required",
        without_consent,
        (Value(flow, "is_allowed", always),),
    ),
    Attack(
        "page: without the second factor",
        "told login_required",
        without_second_factor,
        (
            Value(flow, "has_second_factor", never),
            Value(flow, "reached", lambda members, _: list(members)),
            Value(authorizing, "reached", lambda members, _: list(members)),
            Value(flow, "is_allowed", always),
        ),
    ),
    Attack(
        "page: with a code that was used",
        "page 400",
        with_a_code_again,
        (Line(totp._spend, "step is None or step <= last_step", "step is None"),),
    ),
    Attack(
        "page: with another password", "page 400", with_another_password, (Value(Hashing, "matches", always),)
    ),
)
