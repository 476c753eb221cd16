"""Where the network works: the source area as its organisations name it, and the states to which people are taken."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from pat_server.demo.chance import identifier
from pat_tenants.places.models import PlaceLevel


@dataclass(frozen=True)
class Spot:
    """One place of the demo network; ``parent`` is another's name and level."""

    level: PlaceLevel
    name: str
    parent: Spot | None = None
    aliases: tuple[str, ...] = ()

    @property
    def id(self) -> UUID:
        """The id of its row."""
        return identifier("place", self.level.value, self.name)


HOME = Spot(PlaceLevel.STATE, "West Bengal")

DESTINATIONS = (
    Spot(PlaceLevel.STATE, "Goa"),
    Spot(PlaceLevel.STATE, "Maharashtra"),
    Spot(PlaceLevel.STATE, "Delhi", aliases=("NCT of Delhi",)),
    Spot(PlaceLevel.STATE, "Uttar Pradesh", aliases=("UP",)),
    Spot(PlaceLevel.STATE, "Gujarat"),
    Spot(PlaceLevel.STATE, "Punjab"),
)

NORTH_24_PARGANAS = Spot(PlaceLevel.DISTRICT, "North 24 Parganas", HOME, ("Uttar 24 Pargana",))
NADIA = Spot(PlaceLevel.DISTRICT, "Nadia", HOME)


def _blocks(*names: str) -> tuple[Spot, ...]:
    return tuple(Spot(PlaceLevel.BLOCK, name, NORTH_24_PARGANAS) for name in names)


BLOCKS = (
    *_blocks("Barasat-I", "Barasat-II", "Amdanga", "Bagdah", "Bongaon", "Gaighata", "Habra", "Swarupnagar"),
    *_blocks("Baduria", "Deganga", "Basirhat-I", "Basirhat-II", "Hasnabad", "Sandeshkhali-I"),
    *_blocks("Sandeshkhali-II", "Hingalganj"),
    Spot(PlaceLevel.BLOCK, "Barrackpur-I", NORTH_24_PARGANAS, ("Barrackpore-I",)),
    Spot(PlaceLevel.BLOCK, "Barrackpur-II", NORTH_24_PARGANAS, ("Barrackpore-II",)),
)
"""The eighteen blocks that the network reaches; the last two have no case yet."""

MUNICIPALITIES = tuple(
    Spot(PlaceLevel.MUNICIPALITY, name, NORTH_24_PARGANAS)
    for name in (
        "Barasat",
        "Baduria",
        "Madhyamgram",
        "Bongaon",
        "Basirhat",
        "Taki",
        "Barrackpore",
        "Habra",
    )
)


def block(name: str) -> Spot:
    """The block of this name. Raises KeyError."""
    return _BLOCK_BY_NAME[name]


_BLOCK_BY_NAME = {spot.name: spot for spot in BLOCKS}

GRAM_PANCHAYATS = (
    Spot(PlaceLevel.GRAM_PANCHAYAT, "Beraberia", block("Amdanga"), ("Berabaria",)),
    Spot(PlaceLevel.GRAM_PANCHAYAT, "Bodai", block("Amdanga")),
    Spot(PlaceLevel.GRAM_PANCHAYAT, "Sutia", block("Gaighata")),
    Spot(PlaceLevel.GRAM_PANCHAYAT, "Shimulpur", block("Gaighata")),
)

PLACES = (
    HOME,
    *DESTINATIONS,
    NORTH_24_PARGANAS,
    NADIA,
    *BLOCKS,
    *MUNICIPALITIES,
    *GRAM_PANCHAYATS,
)
"""All of them, parents before their children."""
