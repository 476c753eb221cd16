"""What codes are called, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.conftest import Act

from pat_tenants.labels.words import WORDS, Labelled, labels

ASKED = "query($language: MailLanguage!, $of: [Labelled!]) { labels(language: $language, of: $of) { enum value label } }"


@pytest.mark.parametrize(
    "email", ["survivor1@cbo-b.example", "worker@goa.example", "auditor@secretariat.example"]
)
def test_whoever_is_signed_in_is_told_what_codes_are_called(act_as: Act, email: str) -> None:
    found = act_as(email).ask(ASKED, language="BN", of=["Need", "Urgency"])["labels"]
    assert [(each["enum"], each["value"]) for each in found] == [
        (labelled.value, value) for labelled in (Labelled.Need, Labelled.Urgency) for value in WORDS[labelled]
    ]
    assert {each["value"]: each["label"] for each in found}["URGENT"] == "এখনই"


@pytest.mark.parametrize("language", ["EN", "BN", "HI"])
def test_all_of_them_are_told_in_one_language(act_as: Act, language: str) -> None:
    found: list[dict[str, Any]] = act_as("manager@cbo-b.example").ask(ASKED, language=language)["labels"]
    expected = [(enum, value, label) for enum, value, _, spoken, label in labels() if spoken == language]
    assert [(each["enum"], each["value"], each["label"]) for each in found] == expected


def test_of_none_none_is_told(act_as: Act) -> None:
    assert act_as("manager@cbo-b.example").ask(ASKED, language="EN", of=[])["labels"] == []
