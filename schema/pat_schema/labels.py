"""What codes are called, for whoever shows them to people."""

from __future__ import annotations

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, ToMany
from pat_platform.engine.kinds import TEXT
from pat_schema.declaring import codes, declared, described, found
from pat_schema.declaring import reads as read_by
from pat_schema.languages import MailLanguage
from pat_tenants.labels import reads
from pat_tenants.labels.words import Labelled

codes(Labelled)


@described
class Label:
    """What one value of an enumeration is called."""

    enum: Labelled = found(Column("enum", TEXT, nullable=False), "Of which enumeration.")
    value: str = found(Column("value", TEXT, nullable=False), "The value, such as `SENT`.")
    label: str = found(Column("label", TEXT, nullable=False), "What it is called, such as `পাঠানো হয়েছে`.")


@described
class LabelQuery:
    """Root fields about the words of this schema."""

    @read_by(
        ToMany(reads.LABELS, reads.ASKED_FOR, order=reads.IN_ORDER, estimate=40), requires=Permission.ME_READ
    )
    def labels(
        self, language: MailLanguage = MailLanguage.EN, of: list[Labelled] | None = strawberry.UNSET
    ) -> list[Label]:
        """The labels of these enumerations, else of all that have some, each in the order of its values.

        They change with a release only: a client may keep them.
        """
        declared()
