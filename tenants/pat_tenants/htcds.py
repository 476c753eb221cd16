"""Codes of the Human Trafficking Case Data Standard (HTCDS) 2.0, spelled as the standard spells them.

Source: International Organization for Migration, Human Trafficking Case Data Standard 2.0, licensed CC BY 4.0
(https://creativecommons.org/licenses/by/4.0/). The names of the picklists stand in each
docstring; members are named by their codes, so that GraphQL shows the standard's own spelling. Misspellings of the standard are kept.
"""

from __future__ import annotations

from enum import StrEnum


class HtcdsCaseStatus(StrEnum):
    """``cas_Status``."""

    Active = "Active"
    FollowUp = "FollowUp"
    Closed = "Closed"
    ClosedReferred = "ClosedReferred"


class Gender(StrEnum):
    """``prs_Gender``."""

    Feminine = "Feminine"
    Masculine = "Masculine"
    TransgenderFeminine = "TransgenderFeminine"
    TransgenderMasculine = "TransgenderMasculine"
    NonConforming = "NonConforming"
    NonSpecifiedUnknown = "NonSpecifiedUnknown"


class MaritalStatus(StrEnum):
    """``prs_MaritalStatus``."""

    Single = "Single"
    Married = "Married"
    Widowed = "Widowed"
    Divorced = "Divorced"
    Separated = "Separated"
    RegisteredPartnership = "RegisteredPartnership"


class TraffickingStatus(StrEnum):
    """``vic_TraffickingStatus``."""

    PossibleVictimOfTrafficking = "PossibleVictimOfTrafficking"
    ActualVictimOfTrafficking = "ActualVictimOfTrafficking"
    NotAVictimOfTrafficking = "NotAVictimOfTrafficking"


class Exploitation(StrEnum):
    """``vic_TypeOfExploitation``."""

    ForcedLabour = "ForcedLabour"
    SexualExploitation = "SexualExploitation"
    ChildLabour = "ChildLabour"
    ForcedMarriage = "ForcedMarriage"
    Servitude = "Servitude"
    ForcedMilitaryByNonStateActors = "ForcedMilitaryByNonStateActors"
    OrganRemoval = "OrganRemoval"
    ForcedBegging = "ForcedBegging"
    ForcedAdoption = "ForcedAdoption"
    Surrogacy = "Surrogacy"
    Other = "Other"


class OrganisationType(StrEnum):
    """``org_Type``."""

    NGO = "NGO"
    LawEnforcement = "LawEnforcement"
    HealthServiceOrganisation = "HealthServiceOrganisation"
    CentralGovernmentOrganisation = "CentralGovernmentOrganisation"
    LocalGovernmentOrganisation = "LocalGovernmentOrganisation"
    ImmigrationService = "ImmigrationService"
    LegalService = "LegalService"
    CorporateBusiness = "CorporateBusiness"
    SchoolOrCollege = "SchoolOrCollege"
