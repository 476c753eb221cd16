"""Somebody signs in with a PIN; with her other one everything looks the same, is empty, and her manager is told."""

from __future__ import annotations

import re
from hashlib import sha256
from statistics import median
from time import perf_counter

import pytest
from psycopg.errors import LockNotAvailable
from tests.support.granting import Granting, said
from tests.support.people import named
from tests.support.proving import CountedHashing
from tests.support.visiting import Visitor
from tests.support.wall import Wall

from pat_auth.issuer.passwords import hash_password
from pat_auth.issuer.pins import Arrived, Flaw, Wanted, begin_pin, digits, is_acceptable, prove_pin
from pat_auth.mails.alarms import put_alarms
from pat_auth.mails.letters import open_letter
from pat_auth.policy import Role
from pat_platform.database.threads import Connection

TOKEN, NAME, PIN, OTHER = "t" * 43, "kestrel", "280417", "394026"
ADDRESS = "203.0.113.9"


@pytest.fixture
def her(granting: Granting) -> Granting:
    """Survivor 1 of cbo-a holds a link, and has chosen."""
    granting.become("cbo-a", Role.SURVIVOR)
    give_link(granting)
    wanted = Wanted(NAME, PIN, PIN, OTHER)
    assert begin_pin(granting.service, token=TOKEN, wanted=wanted, address=ADDRESS) is None
    return granting


def give_link(granting: Granting, token: str = TOKEN, until: str = "1 hour") -> None:
    granting.rows(
        "update sec.people set link_hash = %s, link_until = now() + %s::interval where id = %s returning 1",
        *(sha256(token.encode()).digest(), until, granting.who.person),
    )


def verified(granting: Granting) -> int:
    assert isinstance(granting.service.hashing, CountedHashing)
    return granting.service.hashing.verified


def come_in(visitor: Visitor, pin: str) -> dict[str, str]:
    visitor.ask(scope="cases identity")
    (link,) = [tag["href"] for tag in visitor.read.named("a") if "/sign-in/pin" in str(tag.get("href"))]
    visitor.get(str(link))
    visitor.post(form=1, name=NAME, pin=pin)
    if visitor.page.request.url.path == "/sign-in/allow":
        visitor.post(form=1, answer="allow")
    return visitor.told


@pytest.mark.parametrize("typed", ["28 04 17", "২৮০৪১৭", "२८०४१७", PIN])
def test_the_digits_of_every_script_are_the_same(typed: str) -> None:
    assert digits(typed) == PIN


@pytest.mark.parametrize("pin", ["", "12345", "123456", "987654", "111111", "121212", "1" * 13, "12345a"])
def test_a_pin_that_is_tried_first_is_none(pin: str) -> None:
    assert not is_acceptable(digits(pin))


@pytest.mark.parametrize(
    ("wanted", "flaw"),
    [
        (Wanted("ab", PIN, PIN), Flaw.NAME),
        (Wanted("a@b.example", PIN, PIN), Flaw.NAME),
        (Wanted("a\0b c", PIN, PIN), Flaw.NAME),
        (Wanted(NAME, "123456", "123456"), Flaw.PIN),
        (Wanted(NAME, PIN, OTHER), Flaw.AGAIN),
        (Wanted(NAME, PIN, PIN, PIN), Flaw.OTHER),
        (Wanted(NAME, PIN, PIN, "12"), Flaw.OTHER),
    ],
)
def test_what_is_no_choice_is_refused(granting: Granting, wanted: Wanted, flaw: Flaw) -> None:
    assert begin_pin(granting.service, token=TOKEN, wanted=wanted, address=ADDRESS) is flaw


def test_a_link_counts_once_and_a_name_is_one_persons(her: Granting) -> None:
    wanted = Wanted("Heron", PIN, PIN)
    assert begin_pin(her.service, token=TOKEN, wanted=wanted, address=ADDRESS) is Flaw.GONE
    her.rows(
        "insert into sec.people (id, sign_in_name) values (gen_random_uuid(), 'heron') returning 1",
    )
    give_link(her)
    assert begin_pin(her.service, token=TOKEN, wanted=wanted, address=ADDRESS) is Flaw.TAKEN
    assert begin_pin(her.service, token=TOKEN, wanted=Wanted("egret", PIN, PIN), address=ADDRESS) is None
    assert prove_pin(her.service, name=NAME, pin=PIN, address=ADDRESS) is None
    assert prove_pin(her.service, name="egret", pin=OTHER, address=ADDRESS) is None
    arrived = prove_pin(her.service, name=" EGRET ", pin=PIN, address=ADDRESS)
    assert arrived is not None
    assert not arrived.is_duress


def test_a_link_that_is_too_old_is_over(granting: Granting) -> None:
    granting.become("cbo-a", Role.SURVIVOR)
    give_link(granting, until="-1 second")
    wanted = Wanted(NAME, PIN, PIN)
    assert begin_pin(granting.service, token=TOKEN, wanted=wanted, address=ADDRESS) is Flaw.GONE


def test_nobody_is_let_in_with_anything_else(her: Granting) -> None:
    assert prove_pin(her.service, name=NAME, pin="555012", address=ADDRESS) is None
    assert prove_pin(her.service, name="nobody", pin=PIN, address=ADDRESS) is None
    her.rows("update sec.people set disabled_at = now() where id = %s returning 1", her.who.person)
    assert prove_pin(her.service, name=NAME, pin=PIN, address=ADDRESS) is None


def test_a_pin_that_is_replaced_while_it_is_looked_at_lets_nobody_in(
    her: Granting, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_link(her, "u" * 43)
    arrivals = her.rows("select count(*) from app.alerts")
    hashing, look = her.service.hashing, her.service.hashing.matches

    def slow(hashed: str, secret: bytes) -> bool:
        wanted = Wanted(NAME, "519206", "519206")
        begin_pin(her.service, token="u" * 43, wanted=wanted, address=ADDRESS)
        return look(hashed, secret)

    monkeypatch.setattr(hashing, "matches", slow)
    visitor.ask(scope="cases identity")
    visitor.get(str(visitor.page.request.url).replace("/sign-in?", "/sign-in/pin?"))
    visitor.post(form=1, name=NAME, pin=PIN)
    assert visitor.page.status_code == 400
    assert (
        her.rows("select 1 from sec.browsers where person_id = %s and ended_at is null", her.who.person) == []
    )
    assert her.rows("select count(*) from app.alerts") == arrivals


def test_whoever_replaces_a_pin_waits_for_what_is_done_with_the_proof(granting: Granting) -> None:
    """Nothing else of this test holds her row: her name is committed before, and taken away when it is over."""
    service, admin = granting.service, granting.wall.admin
    person = granting.wall.member("cbo-a", Role.SURVIVOR).person
    refused, name = list[str](), "update sec.people set sign_in_name = %s where id = %s"

    def then(_: Connection, arrived: Arrived) -> None:
        lock = "select from sec.people where id = %s for no key update nowait"
        try:
            admin.execute(lock, (arrived.person,))
        except LockNotAvailable:
            refused.append("not now")

    admin.execute(name, (NAME, person))
    try:
        kept = "insert into sec.secrets (person_id, kind, hash) values (%s, 'PIN', %s)"
        granting.rows(kept, person, hash_password(service, PIN))
        assert prove_pin(service, name=NAME, pin=PIN, address=ADDRESS, then=then)
    finally:
        granting.connections.connection.rollback()
        admin.execute(name, (None, person))
    assert refused == ["not now"]


def test_guessing_is_slowed_down_for_the_right_pin_too(her: Granting) -> None:
    for guess in range(8):
        assert prove_pin(her.service, name=NAME, pin=f"55501{guess}", address=ADDRESS) is None
    hashed = verified(her)
    assert prove_pin(her.service, name=NAME, pin=PIN, address=ADDRESS) is None
    assert prove_pin(her.service, name=NAME, pin=OTHER, address=ADDRESS) is None
    assert verified(her) == hashed


def test_choosing_is_slowed_down_like_signing_in(granting: Granting) -> None:
    wanted = Wanted(NAME, PIN, PIN)
    flaws = [begin_pin(granting.service, token=TOKEN, wanted=wanted, address=ADDRESS) for _ in range(25)]
    assert (flaws[0], flaws[-1]) == (Flaw.GONE, Flaw.BUSY)


def test_both_pins_are_looked_at_each_time_and_take_equally_long(her: Granting) -> None:
    taken: dict[str, list[float]] = {PIN: [], OTHER: []}
    for _ in range(20):
        for pin, times in taken.items():
            before, start = verified(her), perf_counter()
            assert prove_pin(her.service, name=NAME, pin=pin, address=ADDRESS)
            times.append(perf_counter() - start)
            assert verified(her) == before + 2
    one, two = (median(times) for times in taken.values())
    assert abs(one - two) < 0.5 * max(one, two)
    for name, pin in ((NAME, "555012"), ("nobody", PIN)):
        before = verified(her)
        prove_pin(her.service, name=name, pin=pin, address=ADDRESS)
        assert verified(her) == before + 2


def test_nothing_that_is_answered_tells_which_pin_it_was(
    her: Granting, visitor: Visitor, other: Visitor
) -> None:
    come_in(visitor, PIN)
    seen = []
    for browser, pin in ((visitor, PIN), (other, OTHER)):
        browser.steps.clear()
        code = come_in(browser, pin)["code"]
        tokens = said(her.post(her.form(code)))
        headers = [
            (name, re.sub(r"[A-Za-z0-9_-]{43}", "…", value)) for name, value in browser.page.headers.items()
        ]
        principal = her.principal(tokens)
        seen.append(
            (
                [browser.steps, headers, browser.page.status_code, sorted(tokens), tokens["scope"]],
                [principal.acr, principal.role, sorted(principal.scopes), len(tokens["access_token"])],
            )
        )
    assert seen[0] == seen[1]


def test_with_the_other_pin_nothing_of_hers_is_there_and_her_manager_is_told(
    her: Granting, visitor: Visitor, other: Visitor
) -> None:
    found = {}
    for browser, pin in ((visitor, PIN), (other, OTHER)):
        code = come_in(browser, pin)["code"]
        tokens = said(her.post(her.form(code)))
        session = her.principal(tokens).session
        ((found[pin],),) = her.rows("select is_duress from sec.sessions where id = %s", session)
    assert found == {PIN: False, OTHER: True}
    arrivals = her.rows(
        "select is_raised, survivor_id from app.alerts where created_at > now() - interval '1 hour'"
        " and organisation_id = %s and id <> all(%s) order by is_raised",
        her.who.organisation,
        [named("cbo-a", "alerts", label) for label in ("hers", "ours")],
    )
    assert arrivals == [(False, her.who.survivor), (True, her.who.survivor)]


@pytest.mark.parametrize(("pin", "called"), [(PIN, 0), (OTHER, 1)])
def test_her_manager_is_called_by_mail_for_the_other_pin_alone(
    her: Granting, visitor: Visitor, pin: str, called: int
) -> None:
    """And not by the request that she makes: it writes the same for both."""
    before = her.rows("select count(*) from sec.mails")
    come_in(visitor, pin)
    assert her.rows("select count(*) from sec.mails") == before
    key = her.service.secrets.mails
    with her.connections.transaction() as connection:
        assert put_alarms(connection, key) == called
    manager = her.wall.member("cbo-a", Role.CASE_MANAGER).person
    ((email,),) = her.rows("select email from sec.people where id = %s", manager)
    letters = [
        letter
        for mail, sealed in her.rows("select id, sealed from sec.mails")
        if (letter := open_letter(key, mail, sealed))
    ]
    assert [letter.to for letter in letters] == [email] * called


def test_a_session_under_duress_reads_nothing_of_hers_and_says_who_she_is(wall: Wall) -> None:
    member = wall.member("cbo-a", Role.SURVIVOR)
    asked = (
        "select sec.actor() is not null, sec.survivor() is null, (select count(*) from app.cases),"
        " (select count(*) from app.survivor_identities), (select count(*) from app.memberships)"
    )
    try:
        for is_duress, seen in ((False, (True, False, 1, 1)), (True, (True, True, 0, 0))):
            wall.admin.execute(
                "update sec.sessions set is_duress = %s where id = %s", (is_duress, member.session)
            )
            with wall.acting(member) as connection:
                row = connection.execute(asked).fetchone()
                assert row is not None
                assert row[:4] == seen
                assert row[4] >= 1
    finally:
        wall.admin.execute("update sec.sessions set is_duress = false where id = %s", (member.session,))


def test_she_chooses_on_a_page_and_leaves_by_a_button_that_is_first(her: Granting, visitor: Visitor) -> None:
    give_link(her, "u" * 43)
    visitor.get(f"/sign-in/start?token={'u' * 43}")
    assert "token" not in str(visitor.page.request.url)
    assert visitor.read.forms[0].action == "/away"
    assert "https://www.wikipedia.org" in visitor.page.headers["content-security-policy"]
    first = next(tag for tag, _ in visitor.read.tags if tag in ("a", "button", "input"))
    assert first == "button"
    visitor.post(form=1, name="egret", pin=PIN, again=OTHER, other="")
    assert visitor.page.status_code == 400
    visitor.post(form=1, name="egret", pin=PIN, again=PIN, other="")
    assert visitor.read.heading == "You can sign in now"
    visitor.get("/sign-in/start")
    assert visitor.page.status_code == 404


def test_leaving_ends_what_was_opened_in_the_browser(her: Granting, visitor: Visitor) -> None:
    code = come_in(visitor, PIN)["code"]
    tokens = said(her.post(her.form(code)))
    visitor.ask(scope="cases identity")
    assert visitor.read.forms[0].action == "/away"
    visitor.post(form=0)
    assert visitor.page.status_code == 303
    assert visitor.page.headers["location"] == "https://www.wikipedia.org/"
    assert visitor.page.headers["referrer-policy"] == "no-referrer"
    session = her.principal(tokens).session
    assert her.rows("select 1 from sec.sessions where id = %s and revoked_at is null", session) == []


def test_leaving_leads_away_whoever_asks_and_ends_nothing_for_strangers(
    her: Granting, visitor: Visitor
) -> None:
    visitor.ask(scope="cases identity")
    for answer in (
        visitor.http.get("/away"),
        visitor.http.post("/away", headers={"sec-fetch-site": "cross-site"}),
    ):
        assert answer.status_code == 303
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(("name", "wrong"), [("", "name-wrong"), (NAME, "pin-wrong")])
def test_what_is_missing_is_asked_for(her: Granting, visitor: Visitor, name: str, wrong: str) -> None:
    visitor.ask(scope="cases identity")
    visitor.get(str(visitor.page.request.url).replace("/sign-in?", "/sign-in/pin?"))
    visitor.post(form=1, name=name)
    assert wrong in visitor.read.ids
    visitor.post(form=1, name=NAME, pin="555012")
    assert visitor.page.status_code == 400
    assert "alert" in visitor.read.ids
    visitor.post(form=1, form_token="another", name=NAME, pin=PIN)
    assert visitor.page.status_code == 403


def test_pages_of_ours_are_not_signed_in_to_with_a_pin(visitor: Visitor) -> None:
    visitor.get("/sign-in/pin?to=account")
    assert visitor.page.request.url.path == "/sign-in"


def test_forms_from_elsewhere_are_refused(her: Granting, visitor: Visitor) -> None:
    give_link(her, "u" * 43)
    visitor.get(f"/sign-in/start?token={'u' * 43}")
    visitor.post(form=1, form_token="another", name="egret", pin=PIN, again=PIN)
    assert visitor.page.status_code == 403
    for path in ("/sign-in/start", "/sign-in/pin"):
        assert visitor.http.post(path, headers={"sec-fetch-site": "cross-site"}).status_code == 403
