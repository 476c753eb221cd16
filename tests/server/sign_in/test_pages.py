"""The pages themselves: small, closed to everything else, readable by everybody, and neutral."""

from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette
from tests.server.sign_in.sentences import sentences
from tests.support.granting import Granting
from tests.support.issuing import put_membership
from tests.support.proving import ISSUER
from tests.support.visiting import Known, Read, Visitor, visiting

from pat_auth.policy import Role
from pat_auth.scopes import ADMINISTRATION, KNOWN_SCOPES
from pat_platform.errors import Fault
from pat_server.sign_in import visiting as pages_visited
from pat_server.sign_in.cookies import (
    LANGUAGE,
    name_of,
    secret_in,
    with_language,
    with_secret,
    without_secret,
)
from pat_server.sign_in.desk import page_routes
from pat_server.sign_in.languages import LANGUAGES, catalogue, choose_language, translator
from pat_server.sign_in.pages import STYLE, script_address, source_of
from pat_server.sign_in.wording import MAY, MAY_NOT, ROLES

LARGEST = 15_000
NAMED = r"%\(\w+\)s"
# What nobody who looks over her shoulder may read, in any of the languages.
HIDDEN = {
    "en": r"traffick|survivor|victim|rescue|\bcases?\b|shelter|abuse|crime|sex",
    "bn": "পাচার|উদ্ধার|ভুক্তভোগী|মামলা|নির্যাতন|আশ্রয়|অপরাধ|যৌন",
    "hi": "तस्करी|पीड़ित|बचाव|मामल|मुकदम|शोषण|आश्रय|अपराध|यौन",
}


@pytest.fixture
def every_page(visitor: Visitor, granting: Granting, manager: Known) -> list[Read]:
    """Every page that there is, as it is shown in English, with every scope asked for and none."""
    read: list[Read] = []

    def look() -> None:
        read.append(Read(visitor.page.text))

    granting.client = granting.put_client(scopes=sorted(KNOWN_SCOPES - {"openid"}))
    put_membership(granting.connections.connection, manager.id, granting.who.organisation, Role.COUNSELLOR)
    visitor.ask(scope=" ".join(sorted(KNOWN_SCOPES)))
    look()
    visitor.post(email="", password="")
    look()
    visitor.post(email="a", password="")
    look()
    visitor.post(email="a", password="wrong")
    look()
    visitor.post(email=manager.email, password=manager.password)
    look()
    visitor.post(code="")
    look()
    visitor.post(code="000000")
    look()
    visitor.post(form=1, recovery="wrong")
    look()
    granting.clock.pass_by(hours=1)
    visitor.ask(scope=" ".join(sorted(KNOWN_SCOPES)))
    visitor.sign_in(manager)
    look()
    visitor.post(membership=str(granting.who.membership))
    look()
    granting.clock.pass_by(seconds=1)
    granting.client = granting.put_client("cbo-b")
    visitor.ask()
    look()
    granting.client = granting.put_client()
    visitor.ask(scope="openid")
    visitor.post(membership=str(granting.who.membership))
    look()
    visitor.get("/oauth/authorize")
    look()
    visitor.get("/sign-in/nothing")
    look()
    return read


def test_every_page_can_be_read_and_used_with_a_screen_reader(every_page: list[Read]) -> None:
    assert len(every_page) == 14
    for page in every_page:
        (html,) = page.named("html")
        assert html["lang"] == "en"
        for landmark in ("main", "footer", "nav", "h1", "title"):
            assert len(page.named(landmark)) == 1
        assert all(each["aria-label"] for each in page.named("nav"))
        labelled = [each["for"] for each in page.named("label")]
        shown = [each for each in page.named("input") if each.get("type") != "hidden"]
        assert labelled == [each["id"] for each in shown]
        assert len(set(page.ids)) == len(page.ids)
        for each in page.named("input"):
            for described in (each.get("aria-describedby") or "").split():
                assert described in page.ids
            if "aria-invalid" in each:
                assert each["aria-describedby"]
        assert sum("autofocus" in each for each in page.named("input")) <= 1
        for link in page.named("a"):
            assert str(link["href"]).startswith("/")
        for form in page.forms:
            assert form.action.startswith("/sign-in")
            assert form.buttons


def test_no_page_runs_loads_or_styles_anything_of_its_own(every_page: list[Read]) -> None:
    for page in every_page:
        assert {"style", "iframe", "img", "object", "embed"}.isdisjoint(t for t, _ in page.tags)
        # What speaks with passkeys is a file of ours, and on no other page.
        scripts = [{"src": script_address(), "defer": None}] if "data-passkey" in str(page.tags) else []
        assert page.named("script") == scripts
        for _, values in page.tags:
            assert not any(name.startswith("on") or name == "style" for name in values)
        assert page.named("link")[0]["href"] == "data:,"


def test_a_mistake_is_told_by_the_title_too(visitor: Visitor) -> None:
    visitor.ask()
    assert "<title>Sign in</title>" in visitor.page.text
    visitor.post(email="", password="")
    assert "<title>Error: Sign in</title>" in visitor.page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_with_its_style_is_small(visitor: Visitor, manager: Known, language: str) -> None:
    style = len(STYLE.read_bytes())
    visitor.ask(ui_locales=language)
    for values in (
        {"email": manager.email, "password": manager.password},
        {"code": ""},
        {"code": manager.code()},
    ):
        assert f'lang="{language}"' in visitor.page.text
        assert len(visitor.page.content) + style <= LARGEST
        visitor.post(**values)  # type: ignore[arg-type]  # they are fields
    assert len(visitor.page.content) + style <= LARGEST


def test_a_page_may_do_nothing_but_show_its_style_and_lead_back_to_its_client(
    visitor: Visitor, manager: Known
) -> None:
    def policy() -> str:
        return str(visitor.page.headers["content-security-policy"])

    expected = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' https://client.example; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    with_script = expected.replace("style-src", "script-src 'self'; style-src")
    visitor.ask()
    assert policy() == with_script
    visitor.post(email="", password="")
    assert policy() == with_script
    visitor.post(email=manager.email, password=manager.password)
    assert policy() == expected
    visitor.post(code=manager.code())
    assert policy() == expected
    headers = visitor.page.headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    visitor.get("/sign-in/allow")
    assert "form-action 'self';" in policy()


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("https://client.example/back?x=1", "https://client.example"),
        ("http://127.0.0.1:8080/back", "http://127.0.0.1:8080"),
        ("org.example.app:/back", "org.example.app:"),
        ("org.example.app://back", "org.example.app:"),
        ("https://client.example;script-src/", ""),
        ("https://client.example *", ""),
        ("https://*.example/", ""),
        ("https://user@client.example/", ""),
        ("https://[::1/", ""),
        ("https://[::1]:80/", ""),
        ("/back", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_an_address_is_named_in_the_policy_only_as_far_as_it_can_be(target: str | None, source: str) -> None:
    assert source_of(target) == source


def test_the_style_is_kept_and_its_address_changes_with_it(visitor: Visitor) -> None:
    visitor.ask()
    address = str(visitor.read.named("link")[1]["href"])
    assert re.fullmatch(r"/sign-in/style\.css\?[0-9a-f]{12}", address)
    answer = visitor.http.get(address)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.content == STYLE.read_bytes()


@pytest.mark.parametrize(("pair", "least"), [("ink paper", 7), ("quiet paper", 7), ("link paper", 4.5)])
@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_what_is_written_stands_out(scheme: int, pair: str, least: float) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.6."""
    blocks = re.findall(r":root \{([^}]*)\}", STYLE.read_text())
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+);", blocks[scheme]))
    first, second = (luminance(colours[name]) for name in pair.split())
    assert contrast(first, second) >= least
    assert contrast(luminance(colours["on-link"]), luminance(colours["link"])) >= 4.5
    assert contrast(luminance(colours["wrong"]), second) >= 4.5
    assert contrast(luminance(colours["line"]), second) >= 3


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_every_sentence_is_in_every_language() -> None:
    said = {sentence for sentence, _ in sentences()}
    for language in set(LANGUAGES) - {"en"}:
        known = catalogue(language)
        assert said - set(known) == set()
        assert set(known) - said == set()
        for sentence, translated in known.items():
            assert sorted(re.findall(NAMED, sentence)) == sorted(re.findall(NAMED, translated))


def test_no_sentence_says_what_it_is_about() -> None:
    said = [sentence for sentence, _ in sentences()]
    for language, hidden in HIDDEN.items():
        translate = translator(language)
        for sentence in said:
            assert re.search(hidden, translate(sentence), re.IGNORECASE) is None, sentence


def test_every_role_and_every_scope_has_its_words() -> None:
    assert set(ROLES) == set(Role)
    assert set(MAY) == KNOWN_SCOPES
    assert set(MAY_NOT) == {"identity", "health", ADMINISTRATION}


def test_consent_says_what_a_program_will_be_told_and_what_not(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    visitor.ask()
    visitor.sign_in(manager)
    text = visitor.read.text
    assert "It is a program of CBO-A. You go on at CBO-A, as: Manager." in text
    assert "Read and write records" in text
    assert "This program will not be told anybody's name." in text
    visitor.ask(scope="openid cases identity")
    assert "Be told people's names, and how to reach them" in visitor.read.text
    assert "anybody's name." not in visitor.read.text


def test_names_of_programs_are_text(visitor: Visitor, granting: Granting, manager: Known) -> None:
    granting.client = granting.put_client(name="<b>Bold</b> & %(email)s")
    visitor.ask()
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; %(email)s" in visitor.page.text
    visitor.sign_in(manager)
    assert "<b>Bold" not in visitor.page.text


@pytest.mark.parametrize(
    ("wanted", "accepted", "language"),
    [
        ((), "", "en"),
        ((), "bn-IN,bn;q=0.9,en;q=0.8", "bn"),
        ((), "fr, hi;q=0.5, bn;q=0.7", "bn"),
        ((), "hi, bn", "hi"),
        ((), "bn;q=0, hi;q=0.1", "hi"),
        ((), "fr;q=high, *", "en"),
        ((), "x" * 100_000, "en"),
        (("hi",), "bn", "hi"),
        (("", "ta", "bn-BD"), "hi", "bn"),
        (("<script>",), "", "en"),
    ],
)
def test_a_language_is_the_one_that_was_chosen_or_the_browsers(
    wanted: tuple[str, ...], accepted: str, language: str
) -> None:
    assert choose_language(wanted, accepted) == language


def test_a_language_that_was_chosen_stays(visitor: Visitor) -> None:
    visitor.ask()
    (hindi,) = [each for each in visitor.read.named("a") if each.get("hreflang") == "hi"]
    visitor.get(str(hindi["href"]), **{"accept-language": "bn"})
    assert visitor.read.heading == "साइन इन करें"
    assert visitor.http.cookies[LANGUAGE] == "hi"
    visitor.post(email="", password="")
    assert visitor.read.named("html")[0]["lang"] == "hi"
    visitor.get("/sign-in/nothing", **{"accept-language": "bn"})
    assert visitor.read.named("html")[0]["lang"] == "hi"
    visitor.get("/sign-in/nothing?lang=xx")
    assert visitor.read.named("html")[0]["lang"] == "hi"
    assert "set-cookie" not in visitor.page.headers


def test_cookies_are_closed_to_scripts_other_hosts_and_plain_http() -> None:
    assert with_secret("s", ISSUER)[1] == "__Host-pat=s; Path=/; HttpOnly; SameSite=Lax; Secure"
    here = "http://127.0.0.1:8000"
    assert with_secret("s", here)[1] == "pat-sign-in=s; Path=/; HttpOnly; SameSite=Lax"
    assert without_secret(ISSUER)[1].endswith("Secure; Max-Age=0")
    assert with_language("bn", ISSUER)[1].endswith("; Secure")
    assert not with_language("bn", here)[1].endswith("; Secure")
    assert secret_in({name_of(here): "s", name_of(ISSUER): "t"}, ISSUER) == "t"
    for unfit in ("", "x" * 101, "é"):
        assert secret_in({name_of(ISSUER): unfit}, ISSUER) is None


def test_a_product_may_have_a_name(granting: Granting) -> None:
    with visiting(Starlette(routes=list(page_routes(granting.service, "Kestrel & Co"))), granting) as visitor:
        visitor.ask()
        assert "<title>Sign in \N{EN DASH} Kestrel &amp; Co</title>" in visitor.page.text
        assert "<header>Kestrel &amp; Co</header>" in visitor.page.text


def test_what_a_request_says_of_its_host_changes_nothing(visitor: Visitor, manager: Known) -> None:
    lies = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "http"}
    visitor.http.headers.update(lies)
    visitor.ask()
    assert "Secure" in visitor.http.get(
        "/oauth/authorize", params=dict(visitor.granting.question())
    ).headers.get("set-cookie", "Secure")
    visitor.sign_in(manager)
    visitor.post(answer="allow")
    assert visitor.told["iss"] == ISSUER
    assert "evil" not in visitor.page.headers["location"]


def test_without_its_database_people_are_told_to_wait(
    visitor: Visitor, granting: Granting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise Fault("UNAVAILABLE", "busy")

    monkeypatch.setattr(pages_visited, "examine", busy)
    visitor.ask()
    assert (visitor.page.status_code, visitor.read.heading) == (503, "Not now")


def test_a_mistake_of_ours_is_a_page_without_a_word_about_it(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("manager@cbo-a.example")

    monkeypatch.setattr(pages_visited, "examine", broken)
    visitor.ask()
    assert (visitor.page.status_code, visitor.read.heading) == (500, "Something went wrong")
    assert "manager" not in visitor.page.text
    assert re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-4", visitor.page.text)


def test_pages_are_asked_for_in_no_other_way(visitor: Visitor) -> None:
    assert visitor.http.post("/oauth/authorize").status_code == 405
    assert visitor.http.put("/sign-in").status_code == 405
    assert visitor.http.head("/sign-in").status_code == 404
