import pytest

from pat_platform.errors import Refused
from pat_tenants.groups import rules
from pat_tenants.groups.models import GroupPolicy


@pytest.mark.parametrize(
    ("members", "policy"),
    [(5, GroupPolicy.SPECIAL), (20, GroupPolicy.SPECIAL), (10, GroupPolicy.NORMAL), (20, GroupPolicy.NORMAL)],
)
def test_a_group_of_the_right_size_may_be_formed(members: int, policy: GroupPolicy) -> None:
    rules.may_be_formed_by(members, policy)


@pytest.mark.parametrize(
    ("members", "policy"),
    [(4, GroupPolicy.SPECIAL), (21, GroupPolicy.SPECIAL), (9, GroupPolicy.NORMAL), (21, GroupPolicy.NORMAL)],
)
def test_a_group_of_another_size_is_refused(members: int, policy: GroupPolicy) -> None:
    with pytest.raises(Refused) as refused:
        rules.may_be_formed_by(members, policy)
    assert refused.value.code == "GROUP_SIZE"


def test_amounts_are_above_zero() -> None:
    rules.may_be_entered([1, 100])
    with pytest.raises(Refused) as refused:
        rules.may_be_entered([100, 0])
    assert refused.value.code == "AMOUNT_NOT_POSITIVE"
