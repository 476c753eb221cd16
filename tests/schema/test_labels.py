"""Labels: what the codes of sharing are called, in every language."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, get_named_type

from pat_auth.mails.letters import MailLanguage
from pat_schema.root import graphql_schema
from pat_tenants.labels.words import LANGUAGES, WORDS, Labelled, labels

SHARING = (
    *("Agreement", "Consent", "LegalBasis", "Withheld"),
    *("Referral", "ReferralCount", "ReferralStep", "ReferralUpdate", "ReferralHearing", "NetworkReferral"),
    *("CourtDay", "Hearing", "RemotePointConfirmation", "SharedHearing"),
)
"""The types that say how something that is shared stands."""
GIVEN = {"Answer", "DeclineReason", "EndReason"}
"""What is only ever given, never read."""
SCRIPTS = {
    MailLanguage.EN: r"[A-Za-z]",
    MailLanguage.BN: r"[\u0980-\u09ff]",
    MailLanguage.HI: r"[\u0900-\u097f]",
}


def enumerations() -> Iterator[str]:
    """The enumerations of what is read of sharing."""
    for name in SHARING:
        kind = graphql_schema().type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        for field in kind.fields.values():
            found = get_named_type(field.type)
            if isinstance(found, GraphQLEnumType):
                yield found.name


def test_every_enumeration_of_sharing_has_labels() -> None:
    assert {each.value for each in Labelled} == {*enumerations(), *GIVEN}
    assert set(WORDS) == set(Labelled)


@pytest.mark.parametrize("labelled", Labelled)
def test_every_value_has_a_label_and_nothing_else_has(labelled: Labelled) -> None:
    kind = graphql_schema().type_map[labelled.value]
    assert isinstance(kind, GraphQLEnumType)
    assert set(WORDS[labelled]) == set(kind.values)


def test_labels_are_written_in_the_script_of_their_language() -> None:
    assert set(LANGUAGES) == set(MailLanguage)
    for enum, value, _, language, label in labels():
        written = SCRIPTS[MailLanguage(language)]
        others = "|".join(each for each in SCRIPTS.values() if each != written)
        assert re.search(written, label), (enum, value, language)
        assert not re.search(others, label), (enum, value, language)


@pytest.mark.parametrize("language", MailLanguage)
def test_no_two_values_of_one_enumeration_are_called_the_same(language: MailLanguage) -> None:
    said = [(enum, label) for enum, _, _, spoken, label in labels() if spoken == language.value]
    assert len(said) == len(set(said))
