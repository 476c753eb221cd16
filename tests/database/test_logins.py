"""Names and passwords of logins."""

from uuid import UUID

import pytest

from pat_platform.database.logins import (
    ISSUER,
    SERVICE_LOGINS,
    login_name,
    login_password,
    organisation_key,
    organisation_of,
)

ORGANISATION = UUID("0123456789abcdef0123456789abcdef")
SECRET = b"a deployment secret for tests only, long enough"


def test_a_login_names_its_organisation_and_role() -> None:
    login = login_name(ORGANISATION, "case_manager")
    assert login == "org_0123456789abcdef0123456789abcdef_case_manager"
    assert organisation_of(login) == ORGANISATION


def test_the_longest_login_fits_into_postgresqls_63_bytes() -> None:
    assert len(login_name(ORGANISATION, "organisation_admin")) <= 63


def test_a_service_login_has_no_organisation() -> None:
    assert organisation_key(ISSUER) == ISSUER
    with pytest.raises(ValueError, match="hexadecimal"):
        organisation_of(ISSUER)


def test_passwords_differ_by_secret_login_and_generation() -> None:
    passwords = {
        login_password(secret, login, generation)
        for secret in (SECRET, SECRET + b"!")
        for login in (*SERVICE_LOGINS, login_name(ORGANISATION, "auditor"))
        for generation in (1, 2, 11)
    }
    assert len(passwords) == 2 * (len(SERVICE_LOGINS) + 1) * 3
    assert {len(password) for password in passwords} == {44}


def test_a_password_can_be_derived_again() -> None:
    # Fixed for ever: a server with the same secret must open the same database.
    assert login_password(SECRET, "pat_service_jobs", 1) == "Hbkbc4GsU5ytZtyI-t2y3iae6AMy57zZzaPsZgueslE="
