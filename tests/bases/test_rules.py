"""What may be shared without consent, and who looks at it when: the decisions alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from pat_platform.errors import Refused
from pat_tenants.bases import rules
from pat_tenants.bases.models import LegalBasis, LegalBasisKind
from pat_tenants.referrals.models import Scope

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SHE, COLLEAGUE, THIRD = uuid4(), uuid4(), uuid4()
ORDER: dict[str, Any] = {
    "kind": LegalBasisKind.COURT_ORDER,
    "scopes": [Scope.LEGAL_STATUS],
    "reference": "WP 1234/2026 12.11.2026",
    "reason": None,
    "valid_until": NOW + timedelta(days=180),
}
MISSING: dict[str, Any] = {
    "kind": LegalBasisKind.VITAL_INTEREST,
    "scopes": [*rules.OF_VITAL_INTEREST],
    "reference": None,
    "reason": "Her phone is off.",
    "valid_until": NOW + timedelta(hours=72),
}


def decided(decide: Callable[..., None], *arguments: object, **more: object) -> str | None:
    """The code of a refusal; None where there is none."""
    try:
        decide(*arguments, **more)
    except Refused as refused:
        return refused.code
    return None


def refusal(given: dict[str, Any]) -> str | None:
    kind, scopes, *_ = given.values()
    others = {name: given[name] for name in ("reference", "reason", "valid_until")}
    return decided(rules.may_be_recorded, kind, scopes, **others, now=NOW)


@pytest.mark.parametrize(
    "reference", ["WP 1234/2026 12.11.2026", "CRLMP-17/2026", "POCSO 19", "ITPA S. 15", "WPC 4/26"]
)
def test_an_order_says_its_number_and_a_duty_its_section(reference: str) -> None:
    assert refusal(ORDER | {"reference": reference}) is None
    assert refusal(ORDER | {"reference": reference, "kind": LegalBasisKind.STATUTORY_DUTY}) is None


@pytest.mark.parametrize(
    "reference", [None, "", "Rina Das", "order 5", "POCSO", "WP 1 of Rina", "RINADAS 1", "RINA DAS 1"]
)
def test_a_reference_has_no_room_for_words_about_anybody(reference: str | None) -> None:
    assert refusal(ORDER | {"reference": reference}) == "REFERENCE_INVALID"


def test_a_vital_interest_says_why_and_shares_where_she_is_and_the_risk() -> None:
    assert refusal(MISSING) is None
    assert refusal(MISSING | {"reason": " "}) == refusal(MISSING | {"reason": None}) == "REASON_MISSING"
    assert refusal(MISSING | {"reference": "WP 1"}) == "REFERENCE_INVALID"
    assert refusal(ORDER | {"reason": "because"}) == "REASON_INVALID"
    for scope in set(Scope) - rules.OF_VITAL_INTEREST:
        assert refusal(MISSING | {"scopes": [Scope.RISK_SAFETY, scope]}) == "BASIS_SCOPE"
    assert refusal(ORDER | {"scopes": []}) == "BASIS_SCOPE"


@pytest.mark.parametrize("given", [ORDER, MISSING])
def test_each_lasts_so_long_and_no_longer(given: dict[str, Any]) -> None:
    assert refusal(given | {"valid_until": given["valid_until"] + timedelta(seconds=1)}) == "DATES_INVALID"
    assert refusal(given | {"valid_until": NOW}) == "DATES_INVALID"


def basis(**values: Any) -> LegalBasis:
    """A vital interest that she recorded, and that runs."""
    given = {"kind": "VITAL_INTEREST", "created_by": SHE, "valid_until": NOW + timedelta(hours=1), **values}
    return LegalBasis(**given)


APPROVED = {"approved_by": COLLEAGUE, "approved_at": NOW}
ENDED = {"ended_by": COLLEAGUE, "ended_at": NOW}


@pytest.mark.parametrize(
    ("values", "by", "expected"),
    [
        ({}, COLLEAGUE, None),
        ({}, SHE, "SAME_PERSON"),
        (APPROVED, THIRD, "ALREADY_APPROVED"),
        (ENDED, COLLEAGUE, "BASIS_OVER"),
        ({"valid_until": NOW}, COLLEAGUE, "BASIS_OVER"),
        ({"kind": "COURT_ORDER"}, COLLEAGUE, "APPROVAL_NOT_NEEDED"),
    ],
)
def test_a_second_person_approves_what_runs(values: dict[str, Any], by: UUID, expected: str | None) -> None:
    assert decided(rules.may_be_approved, basis(**values), by, NOW) == expected


@pytest.mark.parametrize(
    ("values", "by", "expected"),
    [
        (APPROVED | ENDED, THIRD, None),
        (APPROVED | {"valid_until": NOW}, THIRD, None),
        (APPROVED | ENDED, SHE, "SAME_PERSON"),
        (APPROVED | ENDED, COLLEAGUE, "SAME_PERSON"),
        (APPROVED, THIRD, "BASIS_RUNS"),
        (ENDED, THIRD, "REVIEW_NOT_NEEDED"),
        (APPROVED | ENDED | {"reviewed_at": NOW}, THIRD, "ALREADY_REVIEWED"),
    ],
)
def test_a_third_person_reviews_what_has_ended(
    values: dict[str, Any], by: UUID, expected: str | None
) -> None:
    assert decided(rules.may_be_reviewed, basis(**values), by, NOW) == expected


def test_the_database_asks_of_a_reference_what_the_rules_ask() -> None:
    constraints = {c.name: c for c in LegalBasis.__table__.constraints}  # type: ignore[attr-defined]  # of a mapped table
    asked = str(constraints["ck_legal_bases_reference"].sqltext)
    assert f"~ '^{rules._REFERENCE.pattern.replace('(?:', '(')}$'" in asked
