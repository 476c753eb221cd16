"""What a client is answered once somebody has signed in: a code for one membership, or why not; and who must sign in again."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.support.granting import BACK, VERIFIER, Granting, challenge_of, told
from tests.support.proving import ISSUER

from pat_auth.clients.models import Serves
from pat_auth.issuer.authorizing import Mistake, Redirect, Wish, Wrong, deny, is_enough
from pat_auth.issuer.members import Member
from pat_auth.issuer.methods import Method
from pat_auth.policy import Role


def test_a_code_is_sent_with_the_state_and_who_sent_it(granting: Granting) -> None:
    state = '{"back": "/cases?page=2&x=1", "plus": "a+b"}'

    done = granting.conclude(granting.wish(state=state))

    assert isinstance(done, Redirect)
    said = told(done)
    assert done.location.startswith(BACK + "?")
    assert (set(said), said["state"], said["iss"]) == ({"code", "state", "iss"}, state, ISSUER)
    assert len(said["code"]) >= 43


def test_no_code_is_like_another(granting: Granting) -> None:
    assert len({granting.code() for _ in range(5)}) == 5


@pytest.mark.parametrize(
    "redirect_uri",
    ["https://client.example/back?tenant=a%20b", "com.example.app:/back", "http://127.0.0.1:8080/back"],
)
def test_what_an_address_holds_is_kept(granting: Granting, redirect_uri: str) -> None:
    granting.client = granting.put_client(redirect_uris=[redirect_uri])

    done = granting.conclude(granting.wish(redirect_uri=redirect_uri))

    assert isinstance(done, Redirect)
    expected, found = urlsplit(redirect_uri), urlsplit(done.location)
    assert (found.scheme, found.netloc, found.path) == (expected.scheme, expected.netloc, expected.path)
    assert set(parse_qsl(expected.query)) <= set(parse_qsl(found.query))


def test_a_code_says_who_signed_in_how_and_what_for(granting: Granting) -> None:
    wish = granting.wish(nonce="n", resource=granting.service.audience)
    standing = granting.standing(
        first_at=granting.clock() - timedelta(minutes=2),
        methods=frozenset({Method.PASSWORD, Method.RECOVERY}),
    )
    granting.conclude(wish, standing)

    who = granting.who
    kept = granting.rows(
        "select redirect_uri, scopes, resource, nonce, challenge, browser_id, person_id, organisation_id, membership_id,"
        " auth_time, acr, amr, expires_at - created_at from sec.codes where client = %s",
        granting.client,
    )
    about = (BACK, ["cases", "openid"], granting.service.audience, "n", challenge_of(VERIFIER))
    her = (granting.browser, who.person, who.organisation, who.membership)
    assert kept == [(*about, *her, standing.first_at, "2", ["mfa", "otp", "pwd"], timedelta(minutes=1))]


def test_a_nonce_is_used_once_by_a_client_as_long_as_its_code_lasts(granting: Granting) -> None:
    granting.code(nonce="n")

    again = granting.examine(nonce="n")

    assert isinstance(again, Redirect)
    assert told(again)["error"] == "invalid_request"
    assert isinstance(granting.examine(nonce="m"), Wish)
    assert isinstance(granting.examine(client_id=str(granting.put_client()), nonce="n"), Wish)
    granting.clock.pass_by(seconds=60)
    assert isinstance(granting.examine(nonce="n"), Wish)


def elsewhere(granting: Granting) -> Member:
    other = granting.wall.member("cbo-b", Role.CASE_MANAGER)
    return Member(other.membership, other.organisation, "CBO-B", other.role)


def test_a_client_is_given_no_code_for_another_organisation(granting: Granting) -> None:
    done = granting.conclude(granting.wish(), member=elsewhere(granting))

    assert isinstance(done, Redirect)
    assert told(done) == {"error": "access_denied", "state": "state", "iss": ISSUER}
    assert granting.rows("select 1 from sec.codes where client = %s", granting.client) == []


def test_unless_it_serves_the_network(granting: Granting) -> None:
    granting.client = granting.put_client("secretariat", serves=Serves.NETWORK)

    done = granting.conclude(granting.wish(), member=elsewhere(granting))

    assert isinstance(done, Redirect)
    assert "code" in told(done)


def test_one_factor_is_not_enough_for_a_role_that_reads_of_others(granting: Granting) -> None:
    done = granting.conclude(granting.wish(), granting.standing(second_at=None))

    assert isinstance(done, Redirect)
    assert told(done)["error"] == "access_denied"


def test_a_client_that_is_disabled_meanwhile_is_given_no_code(granting: Granting) -> None:
    wish = granting.wish()
    granting.rows("update app.clients set disabled_at = now() where id = %s", granting.client)

    done = granting.conclude(wish)

    assert isinstance(done, Mistake)
    assert done.wrong is Wrong.UNKNOWN_CLIENT


def test_nor_one_whose_address_or_scopes_are_others_meanwhile(granting: Granting) -> None:
    wish = granting.wish()

    granting.rows("update app.clients set scopes = '{groups}' where id = %s", granting.client)
    narrowed = granting.conclude(wish)
    granting.rows("update app.clients set redirect_uris = '{}' where id = %s", granting.client)
    moved = granting.conclude(wish)

    assert isinstance(narrowed, Redirect)
    assert told(narrowed)["error"] == "invalid_scope"
    assert isinstance(moved, Mistake)


@pytest.mark.parametrize("state", ["state", None])
def test_a_client_is_told_that_it_was_denied(granting: Granting, state: str | None) -> None:
    denied = deny(granting.service, granting.wish(state=state), "login_required")

    expected = {"error": "login_required", "iss": ISSUER}
    assert told(denied) == expected if state is None else {**expected, "state": state}


AGO, SINCE = timedelta(minutes=-20), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("changes", "first", "second", "is_it"),
    [
        pytest.param({}, AGO, AGO, True, id="nothing is asked of her"),
        pytest.param({"prompt": "login"}, AGO, AGO, False, id="she is to sign in anew"),
        pytest.param({"prompt": "login"}, SINCE, SINCE, True, id="and has since"),
        pytest.param({"prompt": "login"}, AGO, SINCE, False, id="but with half of it alone"),
        pytest.param({"prompt": "login", "max_age": "9999"}, AGO, AGO, False, id="whatever her age"),
        pytest.param({"max_age": "0"}, AGO, AGO, False, id="just now, and it was long ago"),
        pytest.param({"max_age": "0"}, SINCE, SINCE, True, id="just now, and it was"),
        pytest.param({"max_age": "600"}, AGO, AGO, False, id="lately, and it was long ago"),
        pytest.param({"max_age": "600"}, AGO, timedelta(), False, id="lately, and the password was long ago"),
        pytest.param({"max_age": "1320"}, AGO, AGO, True, id="lately enough"),
        pytest.param({"max_age": "1319"}, AGO, AGO, False, id="not lately enough by a second"),
        pytest.param({"acr_values": "2"}, SINCE, None, False, id="two factors, and there is one"),
        pytest.param({"acr_values": "2"}, SINCE, SINCE, True, id="two factors, and there are"),
        pytest.param({"acr_values": "1 2"}, SINCE, None, True, id="one factor would do"),
        pytest.param({"prompt": "consent"}, AGO, AGO, True, id="only consent"),
    ],
)
def test_who_must_sign_in_again(
    granting: Granting,
    changes: dict[str, str | None],
    first: timedelta,
    second: timedelta | None,
    is_it: bool,
) -> None:
    wish, asked_at = granting.wish(**changes), granting.clock()
    standing = granting.standing(
        first_at=asked_at + first, second_at=None if second is None else asked_at + second
    )
    granting.clock.pass_by(minutes=2)

    assert is_enough(granting.service, wish, standing, asked_at) is is_it


def test_references_say_what_was_proved(granting: Granting) -> None:
    def amr(*methods: Method, is_second: bool = True) -> list[str]:
        second_at = granting.clock() if is_second else None
        return granting.standing(methods=frozenset(methods), second_at=second_at).amr

    assert amr(Method.PASSWORD, is_second=False) == ["pwd"]
    assert amr(Method.PASSWORD, Method.OTP) == ["mfa", "otp", "pwd"]
    assert amr(Method.PIN, Method.PASSKEY) == ["hwk", "mfa", "pin", "user"]
