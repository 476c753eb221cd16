"""One-time codes: of the moment, of her generator, and once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from threading import Barrier
from urllib.parse import parse_qs, urlsplit

import pytest
from pyotp import TOTP
from tests.support.proving import Proving, Somebody

from pat_auth.issuer.proving import has_generator
from pat_auth.issuer.service import Secrets, Service
from pat_auth.issuer.totp import (
    digits,
    new_secret,
    present_code,
    replace_factors,
    spend_code,
    step_of,
    uri_of,
)

# RFC 6238, appendix B: the last six of eight digits.
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
VECTORS = {59: "287082", 1111111109: "081804", 1111111111: "050471", 2000000000: "279037"}


def spend(service: Service, somebody: Somebody, code: str) -> bool:
    with service.connections.transaction() as connection:
        return spend_code(connection, service, somebody.id, code)


@pytest.mark.parametrize(("seconds", "code"), VECTORS.items())
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    assert present_code(SECRET, now) == code
    assert step_of(SECRET, code, now) == seconds // 30


@pytest.mark.parametrize(("late", "counts"), [(-31, False), (-30, True), (0, True), (59, True), (60, False)])
def test_clocks_may_be_half_a_minute_wrong(late: int, counts: bool) -> None:
    start = 1111111110
    code = present_code(SECRET, datetime.fromtimestamp(start, UTC))
    assert (step_of(SECRET, code, datetime.fromtimestamp(start + late, UTC)) is not None) is counts


@pytest.mark.parametrize(
    "typed",
    [
        "287082",
        " 287 082 ",
        "287-082",
        "২৮৭০৮২",
        "२८७०८२",
        "\uff12\uff18\uff17\uff10\uff18\uff12",
        "287\u00a0082",
    ],
)
def test_digits_may_be_of_any_script(typed: str) -> None:
    assert digits(typed) == "287082"


@pytest.mark.parametrize("typed", ["", "28708", "2870822", "28708x", "²87082", "٢٨٧٠٨", "1" * 5000])
def test_nothing_else_is_a_code(typed: str) -> None:
    assert digits(typed) is None
    assert step_of(SECRET, typed, datetime.fromtimestamp(59, UTC)) is None


def test_a_code_counts_once(proving: Proving) -> None:
    somebody = proving.put()
    code = somebody.code(proving.clock)
    assert spend(proving.service, somebody, code)
    assert not spend(proving.service, somebody, code)


def test_no_code_counts_that_is_older_than_one_that_did(proving: Proving) -> None:
    somebody = proving.put()
    older = somebody.code(proving.clock)
    proving.clock.pass_by(seconds=30)
    assert spend(proving.service, somebody, somebody.code(proving.clock))
    assert not spend(proving.service, somebody, older)
    proving.clock.pass_by(seconds=30)
    assert spend(proving.service, somebody, somebody.code(proving.clock))


def test_ten_who_send_one_code_at_once_are_one(proving: Proving) -> None:
    somebody, together = proving.put(), Barrier(4)
    code = somebody.code(proving.clock)

    def at_once(_: int) -> bool:
        together.wait()
        return spend(proving.service, somebody, code)

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(at_once, range(12))) == [False] * 11 + [True]


def test_the_code_of_somebody_else_is_nothing(proving: Proving) -> None:
    hers, other = proving.put(), proving.put()
    assert not spend(proving.service, hers, other.code(proving.clock))


def test_another_generator_takes_the_place_of_hers_and_its_first_code_is_spent(proving: Proving) -> None:
    somebody, service = proving.put(), proving.service
    secret = new_secret()
    step = step_of(secret, present_code(secret, proving.clock()), proving.clock())
    assert step is not None
    with service.connections.transaction() as connection:
        replace_factors(connection, service, somebody.id, secret, step)
        assert has_generator(connection, somebody.id)
    assert not spend(service, somebody, present_code(secret, proving.clock()))
    proving.clock.pass_by(seconds=30)
    assert not spend(service, somebody, somebody.code(proving.clock))
    assert spend(service, somebody, present_code(secret, proving.clock()))


def test_what_a_phone_is_told_names_the_host_and_nothing_else(proving: Proving) -> None:
    secret = new_secret()
    parts = urlsplit(uri_of(proving.service, secret, "rina@cbo-a.example"))
    assert (parts.scheme, parts.netloc, parts.path) == (
        "otpauth",
        "totp",
        "/pat.example:rina%40cbo-a.example",
    )
    assert parse_qs(parts.query) == {"secret": [secret], "issuer": ["pat.example"]}
    assert TOTP(secret).now()


def test_secrets_are_sealed_for_their_row(proving: Proving) -> None:
    hers, other = proving.put(), proving.put()
    admin = proving.wall.admin
    sealed = "(select sealed from sec.second_factors where person_id = %s)"
    admin.execute(
        f"update sec.second_factors set sealed = {sealed} where person_id = %s".encode(), (hers.id, other.id)
    )
    assert not spend(proving.service, other, hers.code(proving.clock))
    assert spend(proving.service, hers, hers.code(proving.clock))


def test_with_another_secret_of_the_deployment_they_are_lost_and_nobody_gets_in(proving: Proving) -> None:
    somebody = proving.put()
    elsewhere = replace(proving.service, secrets=Secrets.of(b"another secret, of somebody else, elsewhere"))
    assert not spend(elsewhere, somebody, somebody.code(proving.clock))
    proving.wall.admin.execute("update sec.second_factors set key = 2 where person_id = %s", (somebody.id,))
    assert not spend(proving.service, somebody, somebody.code(proving.clock))
