"""What the way to the database says, as a sentence that says what to do."""

import psycopg
import pytest

from pat_platform.errors import Refused
from pat_server.commands.plain_words import CONNECTING, in_plain_words

SAID = {
    'FATAL:  role "pat_service_issuer" does not exist': "was never migrated",
    'FATAL:  database "pat" does not exist': "Create it first",
    "connection refused: Connection refused": "Is PostgreSQL running there",
    'FATAL:  password authentication failed for user "postgres"': "password in DATABASE_URL is wrong",
    "FATAL:  sorry, too many clients already": "max_connections",
}


@pytest.mark.parametrize(("said", "advice"), SAID.items())
def test_what_libpq_says_gets_its_advice(said: str, advice: str) -> None:
    told = in_plain_words(psycopg.OperationalError(said))
    assert told is not None
    assert advice in told


def test_the_first_advice_that_fits_is_given() -> None:
    assert list(CONNECTING).index('role "pat_service_') < list(CONNECTING).index("does not exist")


def test_a_refusal_is_a_sentence_already() -> None:
    assert in_plain_words(Refused("TO_ITSELF", "A referral goes to another organisation.")) == (
        "A referral goes to another organisation."
    )


def test_a_mistake_of_ours_has_no_plain_words() -> None:
    assert in_plain_words(ZeroDivisionError()) is None
