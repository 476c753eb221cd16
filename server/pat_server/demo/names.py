"""Invented names, telephone numbers and addresses, in Bengali-Latin spelling.

Family names are words put together that nobody bears; those of staff and those of survivors share no word, so that a search for
one never finds the other. Telephone numbers begin with 5, as no Indian mobile number does.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random

SURVIVOR_FIRST = [
    "Aloka",
    "Anjana",
    "Asima",
    "Barnali",
    "Basanti",
    "Bithika",
    "Chandana",
    "Chhabirani",
    "Dipali",
    "Durbarani",
    "Ektara",
    "Gitali",
    "Hasina",
    "Jamila",
    "Jhumarani",
    "Kajori",
    "Kakoli",
    "Kanika",
    "Lalita",
    "Lipika",
    "Madhabi",
    "Malati",
    "Minati",
    "Nafisa",
    "Namita",
    "Nilima",
    "Parul",
    "Piyali",
    "Purnima",
    "Rabeya",
    "Rokeya",
    "Rubina",
    "Rumpa",
    "Sabina",
    "Salma",
    "Shefali",
    "Shampa",
    "Shyamali",
    "Sufia",
    "Tahmina",
    "Tapati",
    "Tumpa",
]

SURVIVOR_SECOND = [
    "Akashkar",
    "Batasdar",
    "Bonlatar",
    "Dhanjhuri",
    "Dighikar",
    "Ghatpori",
    "Haordal",
    "Jhilmal",
    "Joldhari",
    "Kashphuli",
    "Khejurdal",
    "Kolmidar",
    "Lalmatiya",
    "Machhpori",
    "Meghdhari",
    "Mohuldar",
    "Morichdal",
    "Nodiyari",
    "Notedal",
    "Palashdar",
    "Panpatri",
    "Piyaldar",
    "Podmadal",
    "Rodjhuri",
    "Rupsadar",
    "Shalukdar",
    "Shapladal",
    "Shishirdar",
    "Sonajhuri",
    "Talpatar",
    "Tetuldar",
    "Tilkheti",
    "Titasdal",
]

STAFF_FIRST = [
    "Anirban",
    "Arunima",
    "Bidisha",
    "Debolina",
    "Dipankar",
    "Enakshi",
    "Farzana",
    "Indrani",
    "Ishita",
    "Jayanti",
    "Kaushiki",
    "Lopamudra",
    "Mahua",
    "Mehnaz",
    "Moumita",
    "Nandini",
    "Oindrila",
    "Paromita",
    "Rehana",
    "Sanchita",
    "Shakuntala",
    "Shreyasi",
    "Srabani",
    "Subhro",
    "Suchetana",
    "Sudeshna",
    "Tanusree",
    "Urmila",
    "Yasmina",
    "Zinnia",
]

STAFF_SECOND = [
    "Alokpothi",
    "Bhorerdal",
    "Chandrapothi",
    "Dhrubadal",
    "Golpokar",
    "Jonakidal",
    "Kobitar",
    "Likhondar",
    "Mukulpothi",
    "Nishanpothi",
    "Othoidal",
    "Probhatpothi",
    "Shiuldal",
    "Surjopothi",
    "Taraldal",
]

HAMLETS = (
    "Kajla Para",
    "Bel Tala",
    "Nutan Palli",
    "Majher Para",
    "Khal Dhar",
    "Pukur Par",
    "Uttar Danga",
    "Bat Tala",
)


def staff_names(rng: Random) -> Iterator[str]:
    """Names of staff, each once."""
    return (f"{first} {second}" for first, second in _shuffled(rng, STAFF_FIRST, STAFF_SECOND))


def survivor_names(rng: Random) -> Iterator[tuple[str, str]]:
    """First and second names of survivors, and of other members of their groups, each pair once."""
    return iter(_shuffled(rng, SURVIVOR_FIRST, SURVIVOR_SECOND))


def phone(rng: Random) -> str:
    """A telephone number that is given to nobody."""
    return f"+91 5{rng.randrange(10**4):04d} {rng.randrange(10**5):05d}"


def address(rng: Random, place: str) -> str:
    """A house that does not stand anywhere."""
    return f"House {rng.randint(1, 180)}, {rng.choice(HAMLETS)}, {place}"


def _shuffled(rng: Random, first: list[str], second: list[str]) -> list[tuple[str, str]]:
    pairs = list(product(first, second))
    rng.shuffle(pairs)
    return pairs
