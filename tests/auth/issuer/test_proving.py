"""Who proves who she is, and that nothing tells anybody else about her."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from psycopg.errors import LockNotAvailable
from tests.support.proving import CountedHashing, Proving, Somebody

from pat_auth.issuer.hashing import Hashing
from pat_auth.issuer.known_browsers import keep_known
from pat_auth.issuer.methods import Method
from pat_auth.issuer.passwords import hash_password, set_password
from pat_auth.issuer.proving import has_second_factor, prove_password, prove_second
from pat_auth.issuer.service import Secrets, Service
from pat_auth.issuer.throttle import Attempt
from pat_platform.database.threads import Connection

HOUSE = "192.0.2.1"


def far_away(number: int) -> str:
    """Another network each."""
    return f"10.{number // 256}.{number % 256}.1"


def proved(
    service: Service,
    somebody: Somebody,
    password: str | None = None,
    address: str = HOUSE,
    known_by: str = "",
) -> bool:
    found = prove_password(
        service,
        email=somebody.email,
        password=password or somebody.password,
        address=address,
        known_by=known_by,
    )
    assert found in (None, somebody.id)
    return found is not None


def known(proving: Proving, somebody: Somebody, before: str = "") -> str:
    """What her browser keeps once she has signed in there."""
    with proving.service.connections.transaction() as connection:
        kept = keep_known(connection, proving.service, before, somebody.id)
    assert kept is not None
    return kept


def test_her_e_mail_and_her_password_are_hers(proving: Proving) -> None:
    somebody = proving.put()
    assert proved(proving.service, somebody)
    assert (
        prove_password(
            proving.service, email=f"  {somebody.email.upper()} ", password=somebody.password, address=HOUSE
        )
        == somebody.id
    )


def test_everything_else_is_nobody_and_costs_the_same_hash(proving: Proving) -> None:
    somebody, other = proving.put(), proving.put(password="quite another one of hers")
    service = proving.service
    for email, password in (
        (somebody.email, "not her own password"),
        (somebody.email, other.password),
        (somebody.email, ""),
        (somebody.email, "x" * 16_000),
        (proving.put(is_disabled=True).email, somebody.password),
        (proving.put(password=None).email, somebody.password),
        (f"{uuid4()}@people.example", somebody.password),
        ("", somebody.password),
        ("é" * 5000, somebody.password),
    ):
        proving.hashing.verified = 0
        assert prove_password(service, email=email, password=password, address=far_away(len(email))) is None
        assert proving.hashing.verified == 1


def test_somebody_unknown_is_slowed_down_like_somebody_known(proving: Proving) -> None:
    somebody = proving.put()
    counted = []
    for number, email in enumerate((somebody.email, f"{uuid4()}@people.example")):
        proving.hashing.verified = 0
        for guess in range(20):
            prove_password(
                proving.service,
                email=email,
                password="a guess of many",
                address=far_away(20 * number + guess),
            )
            proving.clock.pass_by(seconds=1)
        counted.append(proving.hashing.verified)
    assert counted[0] == counted[1] < 10


def test_the_right_password_is_not_heard_before_its_turn(proving: Proving) -> None:
    somebody = proving.put()
    for number in range(5):
        assert not proved(proving.service, somebody, "a guess of many", far_away(number))
    proving.hashing.verified = 0
    assert not proved(proving.service, somebody, address=far_away(9))
    assert proving.hashing.verified == 0
    proving.clock.pass_by(seconds=1.1)
    assert proved(proving.service, somebody, address=far_away(9))
    # And what she mistyped before is forgotten.
    assert proved(proving.service, somebody, address=far_away(9))


def heard_beside_a_flood(proving: Proving) -> float:
    """How often the owner is heard while somebody guesses twice in a second, from one address, for five minutes."""
    somebody = proving.put()
    heard = []
    for half_second in range(2 * 5 * 60):
        assert not proved(proving.service, somebody, "a guess of many", far_away(7))
        if half_second % 40 == 39:
            heard.append(proved(proving.service, somebody))
        proving.clock.pass_by(seconds=0.5)
    return sum(heard) / len(heard)


def test_who_comes_again_and_again_from_one_address_does_not_keep_the_owner_out(proving: Proving) -> None:
    assert heard_beside_a_flood(proving) >= 1 / 4


def test_but_would_if_whoever_comes_too_early_were_counted_nowhere(
    proving: Proving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Attempt, "of_the_address", lambda attempt: Attempt(()))
    assert heard_beside_a_flood(proving) < 1 / 8


def test_a_password_that_is_replaced_while_it_is_looked_at_lets_nobody_in(proving: Proving) -> None:
    somebody, service = proving.put(), proving.service
    another = hash_password(service, "quite another one of hers")

    class Slow(CountedHashing):
        def matches(self, hashed: str, secret: bytes) -> bool:
            with service.connections.transaction() as connection:
                set_password(connection, service, somebody.id, another)
            return super().matches(hashed, secret)

    assert not proved(replace(service, hashing=Slow()), somebody)


@pytest.mark.slow  # ten thousand are what was promised
def test_ten_thousand_guesses_from_as_many_addresses_are_few_looks(proving: Proving) -> None:
    somebody = proving.put()
    start, kept = proving.clock(), known(proving, somebody)
    for number in range(10_000):
        assert not proved(proving.service, somebody, "a guess of many", far_away(number))
        proving.clock.pass_by(seconds=0.072)
    minutes = (proving.clock() - start).total_seconds() / 60
    assert proving.hashing.verified <= 10 + minutes
    # Where she is known she is heard at once.
    assert not proved(proving.service, somebody, address=far_away(20_000))
    assert proved(proving.service, somebody, address=far_away(20_000), known_by=kept)
    proving.clock.pass_by(seconds=61)
    assert proved(proving.service, somebody, address=far_away(20_000))


def test_fifty_guesses_at_once_are_four_looks(proving: Proving) -> None:
    somebody = proving.put()
    with ThreadPoolExecutor(8) as threads:
        heard = list(
            threads.map(
                lambda number: proved(proving.service, somebody, "a guess", far_away(number)), range(50)
            )
        )
    assert not any(heard)
    assert proving.hashing.verified == 4


def test_no_connection_is_held_while_a_password_is_hashed(proving: Proving) -> None:
    somebody, service = proving.put(), proving.service

    class Watched(CountedHashing):
        idle: list[int]

        def matches(self, hashed: str, secret: bytes) -> bool:
            held = proving.wall.admin.execute(
                "select count(*) from pg_stat_activity where usename = 'pat_service_sign_in' and state like 'idle in%'"
            ).fetchone()
            assert held == (0,)
            self.idle.append(1)
            return super().matches(hashed, secret)

    watched = Watched()
    watched.idle = []
    assert proved(replace(service, hashing=watched), somebody)
    assert watched.idle == [1]


def test_everybody_waits_before_the_hash_while_an_attack_goes_on(
    proving: Proving, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody, waited = proving.put(), list[float]()
    monkeypatch.setattr("pat_auth.issuer.proving.time.sleep", waited.append)
    assert proved(proving.service, somebody)
    assert waited == []
    proving.wall.admin.execute("update sec.attempts set failures = 20000 where kind = 'EVERYBODY'")
    assert proved(proving.service, somebody)
    assert waited == [1.0]


def test_a_hash_of_another_strength_is_renewed_when_she_comes(proving: Proving) -> None:
    somebody = proving.put()
    stronger = replace(proving.service, hashing=Hashing(memory_kib=16, passes=2))

    def kept() -> object:
        return proving.wall.admin.execute(
            "select hash from sec.secrets where person_id = %s", (somebody.id,)
        ).fetchone()

    before = kept()
    assert not proved(stronger, somebody, "not her own password")
    assert kept() == before
    assert proved(stronger, somebody)
    assert kept() != before
    assert "m=16,t=2" in str(kept())
    assert proved(stronger, somebody)


def test_a_password_hashed_with_another_key_lets_nobody_in(proving: Proving) -> None:
    somebody = proving.put()
    elsewhere = replace(proving.service, secrets=Secrets.of(b"another secret, of somebody else, elsewhere"))
    assert not proved(elsewhere, somebody)
    proving.wall.admin.execute("update sec.secrets set key = 2 where person_id = %s", (somebody.id,))
    assert not proved(proving.service, somebody)


def test_whoever_replaces_a_password_waits_for_what_is_done_with_the_proof(proving: Proving) -> None:
    somebody, refused = proving.put(), list[str]()

    def then(_: Connection, person: UUID) -> None:
        try:
            proving.wall.admin.execute(
                "select from sec.people where id = %s for no key update nowait", (person,)
            )
        except LockNotAvailable:
            refused.append("not now")

    for password in (somebody.password, "not her own password"):
        prove_password(proving.service, email=somebody.email, password=password, address=HOUSE, then=then)
    assert refused == ["not now"]


def test_only_her_password_is_asked_for_not_another_secret_of_hers(proving: Proving) -> None:
    somebody = proving.put(password=None)
    hashed = hash_password(proving.service, "quite another one of hers")
    with proving.service.connections.transaction() as connection:
        set_password(connection, proving.service, somebody.id, hashed)
    proving.wall.admin.execute("update sec.secrets set kind = 'PIN' where person_id = %s", (somebody.id,))
    assert not proved(proving.service, somebody, "quite another one of hers")


def test_she_shows_a_code_of_her_generator_or_one_that_she_wrote_down(proving: Proving) -> None:
    somebody, service = proving.put(), proving.service

    def second(code: str) -> Method | None:
        return prove_second(service, person=somebody.id, code=code, address=HOUSE)

    code = somebody.code(proving.clock)
    assert second(code) is Method.OTP
    assert second(code) is None
    assert second(somebody.recovery_codes[0]) is Method.RECOVERY
    assert second(somebody.recovery_codes[0]) is None
    assert second("") is None


def test_guesses_at_her_code_are_slowed_down_wherever_they_come_from(proving: Proving) -> None:
    somebody, service = proving.put(), proving.service
    for number in range(5):
        assert prove_second(service, person=somebody.id, code="000000", address=far_away(number)) is None
    right = somebody.code(proving.clock)
    assert prove_second(service, person=somebody.id, code=right, address=HOUSE) is None
    proving.clock.pass_by(seconds=2)
    assert (
        prove_second(service, person=somebody.id, code=somebody.code(proving.clock), address=HOUSE)
        is Method.OTP
    )


def test_who_has_no_confirmed_generator_has_no_second_factor(proving: Proving) -> None:
    somebody = proving.put()

    def has() -> bool:
        with proving.service.connections.transaction() as connection:
            return has_second_factor(connection, somebody.id)

    assert has()
    proving.wall.admin.execute(
        "update sec.second_factors set confirmed_at = null where person_id = %s", (somebody.id,)
    )
    assert not has()
    assert (
        prove_second(proving.service, person=somebody.id, code=somebody.code(proving.clock), address=HOUSE)
        is None
    )


def test_nobody_can_tell_by_the_time_who_there_is(proving: Proving) -> None:
    somebody = proving.put()
    service = replace(proving.service, hashing=Hashing(memory_kib=19 * 1024, passes=1))
    with service.connections.transaction() as connection:
        set_password(connection, service, somebody.id, hash_password(service, somebody.password))
    took: dict[str, list[float]] = {somebody.email: [], f"{uuid4()}@people.example": []}
    for number in range(40):
        for email, times in took.items():
            start = time.perf_counter()
            assert (
                prove_password(service, email=email, password="a guess of many", address=far_away(number))
                is None
            )
            times.append(time.perf_counter() - start)
            proving.clock.pass_by(hours=2)
    known, unknown = (statistics.median(times) for times in took.values())
    assert 0.85 < known / unknown < 1.15
