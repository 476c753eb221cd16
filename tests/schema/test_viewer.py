"""Who asks, as far as a plan depends on it."""

from pat_auth.policy import Permission, Role
from pat_auth.scopes import ADMINISTRATION, KNOWN_SCOPES, OPENID, SCOPES
from pat_schema.viewer import CEILING, Viewer


def test_every_permission_is_under_a_ceiling_that_a_client_can_be_given() -> None:
    assert set(CEILING) == set(Permission)
    assert {scope for scope in CEILING.values() if scope} <= SCOPES


def test_to_be_told_who_signed_in_opens_no_field_and_makes_no_other_plan() -> None:
    assert OPENID in KNOWN_SCOPES - SCOPES
    plain, told = Viewer(Role.CASE_MANAGER, SCOPES), Viewer(Role.CASE_MANAGER, KNOWN_SCOPES)
    assert plain.key == told.key
    assert [plain.may(permission) for permission in Permission] == [told.may(each) for each in Permission]


def test_an_administrator_changes_who_may_come_in_through_a_client_that_may() -> None:
    changing = {
        Permission.CLIENT_READ,
        Permission.CLIENT_REGISTER,
        Permission.INVITATION_READ,
        Permission.MEMBER_INVITE,
        Permission.MEMBER_END,
        Permission.AUDIT_READ,
        Permission.AGREEMENT_SIGN,
        Permission.AGREEMENT_SUSPEND,
        Permission.OUR_SUSPENSION_READ,
    }
    without = Viewer(Role.ORGANISATION_ADMIN, SCOPES - {ADMINISTRATION})
    through = Viewer(Role.ORGANISATION_ADMIN, SCOPES)
    assert {each for each in Permission if through.may(each) and not without.may(each)} == changing


def test_other_scopes_are_other_plans() -> None:
    every = Viewer(Role.CASE_MANAGER, SCOPES)
    assert every.key != Viewer(Role.CASE_MANAGER, SCOPES - {"identity"}).key
    assert every.key != Viewer(Role.SOCIAL_WORKER, SCOPES).key
