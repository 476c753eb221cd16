"""Codes that she wrote down: ten, each once."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from tests.support.proving import Proving

from pat_auth.issuer.recovery import HOW_MANY, renew_recovery_codes, spend_recovery_code


def spend(proving: Proving, person: UUID, code: str) -> bool:
    with proving.service.connections.transaction() as connection:
        return spend_recovery_code(connection, proving.service, person, code)


def test_there_are_ten_and_each_counts_once(proving: Proving) -> None:
    somebody = proving.put()
    assert len(set(somebody.recovery_codes)) == HOW_MANY == 10
    for code in somebody.recovery_codes:
        assert spend(proving, somebody.id, code)
    assert not any(spend(proving, somebody.id, code) for code in somebody.recovery_codes)


def test_two_who_send_one_at_once_are_one(proving: Proving) -> None:
    somebody = proving.put()
    code = somebody.recovery_codes[0]
    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(lambda _: spend(proving, somebody.id, code), range(8))) == 1


def test_they_are_read_as_they_were_written_down(proving: Proving) -> None:
    somebody = proving.put()
    first, second, *_ = somebody.recovery_codes
    assert spend(proving, somebody.id, f" {first.replace('-', ' ').lower()} ")
    by_hand = second.replace("O", "0").replace("I", "1").replace("B", "8").replace("-", "")
    assert spend(proving, somebody.id, by_hand)


@pytest.mark.parametrize("code", ["", "123456", "AAAA-AAAA-AAAA-AAA", "AAAA-AAAA-AAAA-AAAA", "\ud7ff" * 16])
def test_nothing_else_is_one(proving: Proving, code: str) -> None:
    assert not spend(proving, proving.put().id, code)


def test_somebody_elses_is_nothing(proving: Proving) -> None:
    hers, other = proving.put(), proving.put()
    assert not spend(proving, hers.id, other.recovery_codes[0])


def test_new_ones_make_the_old_ones_void(proving: Proving) -> None:
    somebody = proving.put()
    with proving.service.connections.transaction() as connection:
        new = renew_recovery_codes(connection, proving.service, somebody.id)
    assert not any(spend(proving, somebody.id, code) for code in somebody.recovery_codes)
    assert spend(proving, somebody.id, new[0])


def test_they_are_kept_as_keyed_hashes(proving: Proving) -> None:
    somebody = proving.put()
    kept = proving.wall.admin.execute(
        "select hash from sec.recovery_codes where person_id = %s", (somebody.id,)
    ).fetchall()
    assert {len(each) for (each,) in kept} == {32}
