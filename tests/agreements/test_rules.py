from datetime import UTC, datetime, timedelta

import pytest

from pat_platform.errors import Refused
from pat_tenants.agreements import rules
from pat_tenants.referrals.models import Scope

NOW = datetime(2026, 11, 21, tzinfo=UTC)
YEAR = timedelta(days=365)


def test_an_agreement_may_begin_earlier_or_later_than_it_is_signed() -> None:
    rules.may_be_signed([Scope.LEGAL_STATUS], NOW - YEAR, NOW + YEAR, NOW)
    rules.may_be_signed([Scope.LEGAL_STATUS], NOW + YEAR, NOW + 2 * YEAR, NOW)


@pytest.mark.parametrize(
    ("scopes", "valid_from", "valid_until", "code"),
    [
        ([], NOW, NOW + YEAR, "SCOPES_EMPTY"),
        ([Scope.LEGAL_STATUS], NOW - YEAR, NOW, "DATES_INVALID"),
        ([Scope.LEGAL_STATUS], NOW + YEAR, NOW + YEAR, "DATES_INVALID"),
        ([Scope.LEGAL_STATUS], NOW, NOW + 4 * YEAR, "DATES_INVALID"),
    ],
)
def test_nobody_signs_nothing_what_is_over_or_what_never_ends(
    scopes: list[Scope], valid_from: datetime, valid_until: datetime, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        rules.may_be_signed(scopes, valid_from, valid_until, NOW)
    assert refused.value.code == code
