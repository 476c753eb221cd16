"""What clients ask for at the authorization endpoint, and what they, or the person before the page, are told."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.granting import BACK, VERIFIER, Granting, challenge_of, told
from tests.support.proving import ISSUER

from pat_auth.clients.models import ClientKind
from pat_auth.issuer.authorizing import Mistake, Redirect, Wish, Wrong, pairs_of
from pat_auth.issuer.standing import Strength

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_a_question_that_is_in_order_is_a_wish(granting: Granting) -> None:
    wish = granting.wish(
        prompt="login consent", max_age="600", acr_values="urn:x 2 1", ui_locales="bn en", nonce='{"n": 1}'
    )

    assert wish.client.id == granting.client
    assert wish.client.organisation == granting.who.organisation
    assert wish.redirect_uri == BACK
    assert wish.scopes == {"openid", "cases"}
    assert wish.state == "state"
    assert wish.prompt == {"login", "consent"}
    assert wish.max_age == timedelta(minutes=10)
    assert wish.acr is Strength.TWO
    assert wish.ui_locales == ("bn", "en")


def test_what_is_not_said_is_left_open(granting: Granting) -> None:
    wish = granting.wish(state=None, scope="cases", acr_values="urn:other", max_age="")

    assert (wish.state, wish.prompt, wish.max_age, wish.acr, wish.ui_locales) == (
        None,
        frozenset(),
        None,
        None,
        (),
    )


def test_a_wish_is_kept_as_the_question_that_it_was(granting: Granting) -> None:
    state = '{"back": "/cases?page=2&x=1", "plus": "a+b"}'

    wish = granting.wish(state=state)

    assert list(pairs_of(wish)) == granting.question(state=state)


@pytest.mark.parametrize("client_id", [None, "", UNKNOWN, "nobody", "{client}x", "DISABLED", "CAPITALS"])
def test_an_unknown_client_is_told_on_a_page(granting: Granting, client_id: str | None) -> None:
    if client_id == "DISABLED":
        client_id = str(granting.put_client())
        granting.rows("update app.clients set disabled_at = now() where id = %s", client_id)
    elif client_id == "CAPITALS":
        client_id = str(granting.client).upper()

    found = granting.examine(client_id=client_id)

    assert isinstance(found, Mistake)
    assert found.wrong is Wrong.UNKNOWN_CLIENT


@pytest.mark.parametrize(
    "redirect_uri",
    [
        None,
        "",
        "https://other.example/back",
        BACK + "/",
        BACK + "?x=1",
        BACK + "#x",
        BACK[:-1],
        "https://client.example",
        "https://client.example:443/back",
        "https://client.example/../back",
        "https://CLIENT.example/back",
        "http://client.example/back",
        "https://client.example@other.example/back",
        "https://client.example/back%0d%0ax: y",
        "javascript:alert(1)",
        "//client.example/back",
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_registered_letter_by_letter(
    granting: Granting, redirect_uri: str | None
) -> None:
    found = granting.examine(redirect_uri=redirect_uri)

    assert isinstance(found, Mistake)
    assert found.wrong is Wrong.UNFIT


@pytest.mark.parametrize("response_type", ["code", "token"])
def test_nor_where_more_is_wrong_with_the_question(granting: Granting, response_type: str) -> None:
    found = granting.examine(redirect_uri="https://other.example/", response_type=response_type, scope="")

    assert isinstance(found, Mistake)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "response_type", "scope", "state"])
def test_what_says_where_to_send_whom_is_said_once(granting: Granting, name: str) -> None:
    given = dict(granting.question())
    found = granting.examine((name, given[name]))

    assert isinstance(found, Mistake)
    assert found.wrong is Wrong.UNFIT


REFUSALS: list[tuple[str, dict[str, str | None], str]] = [
    ("no kind of answer", {"response_type": None}, "unsupported_response_type"),
    ("a token at once", {"response_type": "token"}, "unsupported_response_type"),
    ("a code and a token", {"response_type": "code id_token"}, "unsupported_response_type"),
    ("no scope", {"scope": None}, "invalid_scope"),
    ("an empty scope", {"scope": " "}, "invalid_scope"),
    ("a scope that there is not", {"scope": "cases everything"}, "invalid_scope"),
    ("a scope that is not the client's", {"scope": "cases health"}, "invalid_scope"),
    ("no challenge", {"code_challenge": None}, "invalid_request"),
    ("no method: that would be plain", {"code_challenge_method": None}, "invalid_request"),
    ("plain", {"code_challenge_method": "plain"}, "invalid_request"),
    ("s256 in small letters", {"code_challenge_method": "s256"}, "invalid_request"),
    (
        "neither challenge nor method",
        {"code_challenge": None, "code_challenge_method": None},
        "invalid_request",
    ),
    ("a short challenge", {"code_challenge": "x" * 42}, "invalid_request"),
    ("a long challenge", {"code_challenge": "x" * 44}, "invalid_request"),
    ("a challenge of other letters", {"code_challenge": "+" * 43}, "invalid_request"),
    ("another resource", {"resource": "https://other.example/graphql"}, "invalid_target"),
    ("nearly our resource", {"resource": f"{ISSUER}/graphql/"}, "invalid_target"),
    ("a request object", {"request": "e30.e30."}, "request_not_supported"),
    ("a request elsewhere", {"request_uri": "https://client.example/r"}, "request_uri_not_supported"),
    ("an answer in the fragment", {"response_mode": "fragment"}, "invalid_request"),
    ("an answer by form", {"response_mode": "form_post"}, "invalid_request"),
    ("a long nonce", {"nonce": "n" * 256}, "invalid_request"),
    ("an age below zero", {"max_age": "-1"}, "invalid_request"),
    ("an age that is no number", {"max_age": "1e3"}, "invalid_request"),
    ("an age of five thousand digits", {"max_age": "9" * 50}, "invalid_request"),
    ("no page and a page", {"prompt": "none login"}, "invalid_request"),
    ("no page and consent", {"prompt": "consent none", "scope": "cases"}, "invalid_request"),
]


@pytest.mark.parametrize(
    ("changes", "error"), [pytest.param(changes, error, id=name) for name, changes, error in REFUSALS]
)
def test_a_client_is_told_what_is_wrong_and_by_whom(
    granting: Granting, changes: dict[str, str | None], error: str
) -> None:
    found = granting.examine(**changes)

    assert isinstance(found, Redirect)
    assert found.location.startswith(BACK + "?")
    said = told(found)
    assert (said["error"], said["state"], said["iss"]) == (error, "state", ISSUER)
    assert "code" not in said


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("code_challenge", "invalid_request"),
        ("code_challenge_method", "invalid_request"),
        ("nonce", "invalid_request"),
        ("prompt", "invalid_request"),
        ("max_age", "invalid_request"),
        ("anything", "invalid_request"),
        ("resource", "invalid_target"),
    ],
)
def test_whatever_comes_twice_is_refused(granting: Granting, name: str, error: str) -> None:
    values = {
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        "resource": granting.service.audience,
        "max_age": "1",
    }
    value = values.get(name, "x")

    found = granting.examine((name, value), **{name: value})

    assert isinstance(found, Redirect)
    said = told(found)
    assert (said["error"], said["state"], said["iss"]) == (error, "state", ISSUER)


def test_a_machine_sends_nobody_here(granting: Granting) -> None:
    granting.client = granting.put_client(kind=ClientKind.MACHINE)

    found = granting.examine()

    assert isinstance(found, Redirect)
    assert told(found)["error"] == "unauthorized_client"


@pytest.mark.parametrize(
    "name", ["response_type", "client_id", "redirect_uri", "scope", "code_challenge", "resource"]
)
@pytest.mark.parametrize("value", ["é", '"', "\\", "\n", "\x7f", "\u0995"])
def test_characters_that_may_not_be_there_are_a_mistake_and_never_a_failure(
    granting: Granting, name: str, value: str
) -> None:
    found = granting.examine(**{name: value})

    assert isinstance(found, Mistake)
    assert found.wrong is Wrong.UNFIT


NAMES = [
    *(
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "prompt",
        "max_age",
        "resource",
    ),
    *("code_challenge", "code_challenge_method", "acr_values", "ui_locales", "response_mode", "claims"),
]


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    more=st.lists(
        st.tuples(st.sampled_from(NAMES), st.text(st.characters(exclude_characters="\0"), max_size=20))
    ),
    left_out=st.sets(st.sampled_from(NAMES), max_size=3),
)
def test_whatever_is_asked_is_answered(
    granting: Granting, more: list[tuple[str, str]], left_out: set[str]
) -> None:
    found = granting.examine(*more, **dict.fromkeys(left_out))

    assert isinstance(found, Wish | Redirect | Mistake)
    if isinstance(found, Redirect):
        assert found.location.startswith(BACK + "?")


def test_a_question_is_logged_by_nobody(granting: Granting, caplog: pytest.LogCaptureFixture) -> None:
    for logger in (None, "authlib", "psycopg"):
        caplog.set_level(logging.DEBUG, logger)

    code = granting.code(state="a-state-of-hers", nonce="a-nonce-of-hers")

    logged = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert not any(secret in logged for secret in (code, "a-state-of-hers", "a-nonce-of-hers", VERIFIER))


def test_what_holds_a_code_or_a_state_prints_neither(granting: Granting) -> None:
    wish = granting.wish(state="a-state-of-hers")
    done = granting.conclude(wish)

    assert isinstance(done, Redirect)
    assert "a-state-of-hers" not in repr(wish)
    assert told(done)["code"] not in repr(done)
