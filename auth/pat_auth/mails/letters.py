"""What is written in mail, in three languages. Whoever sees a phone over somebody's shoulder learns nothing from it.

Neither an organisation nor a role is named, nor what this is for.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from uuid import UUID

from pat_platform.encryption.envelope import Unreadable, open_bytes, seal_bytes


class MailLanguage(StrEnum):
    """The languages that mail is written in."""

    EN = "EN"
    BN = "BN"
    HI = "HI"


@dataclass(frozen=True)
class Letter:
    """One mail, to one address."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)


def invitation_to(email: str, link: str, language: MailLanguage) -> Letter:
    """The letter that brings somebody the link of an invitation."""
    subject, text = _INVITATION[language]
    return Letter(email, subject, text.format(link=link))


def seal_letter(key: bytes, mail: UUID, letter: Letter) -> bytes:
    """A letter as it is kept: it opens in this place alone."""
    return seal_bytes(key, _place(mail), json.dumps(asdict(letter)).encode())


def open_letter(key: bytes, mail: UUID, sealed: bytes) -> Letter | None:
    """The letter; None for what was not sealed by us for this place, or under another secret of the deployment."""
    try:
        return Letter(**json.loads(open_bytes(key, _place(mail), sealed)))
    except Unreadable:
        return None


def _place(mail: UUID) -> bytes:
    return b"mail|" + mail.bytes


_INVITATION = {
    MailLanguage.EN: (
        "Your invitation",
        "Hello,\n\nsomebody who knows you has invited you to sign in. Open this address:\n\n{link}\n\n"
        "It works once, for seven days. Whoever opens it first is taken for you: do not pass it on.\n"
        "If you expect no invitation, do nothing.\n",
    ),
    MailLanguage.BN: (
        "আপনার আমন্ত্রণ",
        "নমস্কার,\n\nআপনার পরিচিত একজন আপনাকে সাইন ইন করার আমন্ত্রণ জানিয়েছেন। এই ঠিকানাটি খুলুন:\n\n{link}\n\n"
        "এটি সাত দিন পর্যন্ত, একবারই কাজ করে। যিনি প্রথমে খুলবেন, তাঁকেই আপনি বলে ধরা হবে: কাউকে পাঠাবেন না।\n"
        "আপনি কোনো আমন্ত্রণের অপেক্ষায় না থাকলে কিছু করবেন না।\n",
    ),
    MailLanguage.HI: (
        "आपका निमंत्रण",
        "नमस्कार,\n\nआपके किसी परिचित ने आपको साइन इन करने का निमंत्रण दिया है। यह पता खोलें:\n\n{link}\n\n"
        "यह सात दिनों तक, एक ही बार काम करता है। जो इसे पहले खोले, उसे ही आप माना जाएगा: इसे किसी को न भेजें।\n"
        "अगर आपको किसी निमंत्रण का इंतज़ार नहीं है, तो कुछ न करें।\n",
    ),
}
