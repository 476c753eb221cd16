"""The organisations of the demo network. Every name is invented."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from pat_server.demo.chance import identifier
from pat_tenants.htcds import OrganisationType
from pat_tenants.organisations.models import OrganisationKind


@dataclass(frozen=True)
class Partner:
    """One organisation as the directory shows it."""

    slug: str
    name: str
    kind: OrganisationKind
    state: str = "West Bengal"
    htcds_type: OrganisationType = OrganisationType.NGO

    @property
    def id(self) -> UUID:
        """The id of its row."""
        return identifier("organisation", self.slug)


@dataclass(frozen=True)
class Community(Partner):
    """A community-based organisation: how many cases and social workers it has, who of its survivors signs in, and where it works."""

    kind: OrganisationKind = OrganisationKind.CBO
    cases: int = 0
    workers: int = 0
    accounts: int = 0
    """Survivors of the first so many cases have an account."""
    blocks: tuple[str, ...] = ()


COMMUNITIES = (
    Community(
        "cbo-a",
        "Doyel Nirman Samity",
        cases=34,
        workers=4,
        accounts=8,
        blocks=("Amdanga", "Gaighata", "Barasat-I"),
    ),
    Community(
        "cbo-b",
        "Kashban Mahila Sangha",
        cases=28,
        workers=3,
        accounts=8,
        blocks=("Bagdah", "Bongaon", "Habra"),
    ),
    Community(
        "cbo-c",
        "Shalik Seva Kendra",
        cases=26,
        workers=3,
        accounts=8,
        blocks=("Basirhat-I", "Basirhat-II"),
    ),
    Community(
        "cbo-d",
        "Hijal Tala Samity",
        cases=24,
        workers=3,
        accounts=8,
        blocks=("Swarupnagar", "Baduria"),
    ),
    Community(
        "cbo-e",
        "Bokul Chhaya Sangathan",
        cases=20,
        workers=3,
        accounts=7,
        blocks=("Sandeshkhali-I", "Sandeshkhali-II"),
    ),
    Community(
        "cbo-f",
        "Machhranga Mahila Samity",
        cases=18,
        workers=2,
        accounts=7,
        blocks=("Hasnabad", "Hingalganj"),
    ),
    Community(
        "cbo-g",
        "Tal Dighi Kalyan Sangha",
        cases=14,
        workers=2,
        accounts=7,
        blocks=("Deganga", "Barasat-II"),
    ),
)

SECRETARIAT = Partner("secretariat", "Network Secretariat", OrganisationKind.SECRETARIAT)
FUNDER = Partner("funder", "Dhrubatara Fund", OrganisationKind.FUNDER, "Delhi")


def _destination(slug: str, name: str, state: str) -> Partner:
    return Partner(slug, name, OrganisationKind.DESTINATION, state)


DESTINATIONS = (
    _destination("goa", "Samudra Kinara Legal Aid", "Goa"),
    _destination("maharashtra", "Pashchim Vat Sahayata", "Maharashtra"),
    _destination("delhi", "Jamuna Ghat Sahayata", "Delhi"),
    _destination("uttar-pradesh", "Ganga Paar Seva", "Uttar Pradesh"),
    _destination("gujarat", "Khari Nadi Trust", "Gujarat"),
    _destination("punjab", "Kanak Khet Seva", "Punjab"),
)

ORGANISATIONS: tuple[Partner, ...] = (*COMMUNITIES, SECRETARIAT, *DESTINATIONS, FUNDER)
"""All of them: seven of the source area, the secretariat, six of the destination states, one funder."""


def partner(slug: str) -> Partner:
    """The organisation with this short name. Raises KeyError."""
    return _BY_SLUG[slug]


_BY_SLUG = {each.slug: each for each in ORGANISATIONS}
