"""Of what kind the data is that somebody has read, and of what kind an access is."""

from __future__ import annotations

from enum import StrEnum


class RecordClass(StrEnum):
    """A class of data whose every reading is recorded. In the trail it stands in lower case."""

    IDENTITY = "IDENTITY"
    NOTE = "NOTE"
    LEGAL_STATUS = "LEGAL_STATUS"
    HEARING_SCHEDULE = "HEARING_SCHEDULE"
    RISK = "RISK"


class AccessKind(StrEnum):
    """What was done with a record."""

    READ = "READ"
    WRITTEN = "WRITTEN"
    REFERRED = "REFERRED"
