"""docs/sharing.md says what the tables of permissions and of steps say."""

from pathlib import Path

from tests.docs import sharing_tables

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sharing.md").read_text()


def test_the_page_says_who_may_do_what() -> None:
    assert "\n".join(sharing_tables.who()) in PAGE


def test_the_page_has_every_step() -> None:
    assert "\n".join(sharing_tables.steps()) in PAGE


def test_the_page_has_every_step_of_a_day_in_court() -> None:
    assert "\n".join(sharing_tables.days()) in PAGE


def test_the_page_has_every_referral_of_the_demo_and_who_sees_it() -> None:
    assert "\n".join(sharing_tables.demo()) in PAGE
