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

    @classmethod
    def of(cls, tag: str) -> MailLanguage:
        """The language with this tag (BCP 47); English for one that no mail is written in."""
        return cls.__members__.get(tag.upper(), cls.EN)


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


def reset_to(email: str, link: str, language: MailLanguage) -> Letter:
    """The letter that brings somebody the link by which she chooses a new password."""
    subject, text = _RESET[language]
    return Letter(email, subject, text.format(link=link))


def changed_to(email: str, account: str, language: MailLanguage) -> Letter:
    """The letter that tells somebody that her password is another one now, and where she sees what else was added."""
    subject, text = _CHANGED[language]
    return Letter(email, subject, text.format(account=account))


def proof_changed_to(email: str, language: MailLanguage) -> Letter:
    """The letter that tells somebody that she proves herself in another way now, in case that it was not she."""
    return Letter(email, *_PROOF_CHANGED[language])


def alarm_to(email: str, language: MailLanguage) -> Letter:
    """The letter that calls a case manager to her list. Nobody who reads it over her shoulder learns about whom, or what."""
    return Letter(email, *_ALARM[language])


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

_RESET = {
    MailLanguage.EN: (
        "A new password",
        "Hello,\n\nsomebody, probably you, wants to choose a new password for this address. Open this to do so:\n\n{link}\n\n"
        "It works once, for half an hour, and not any more when a newer one was sent. Do not pass it on.\n"
        "If it was not you, do nothing: your password stays as it is.\n",
    ),
    MailLanguage.BN: (
        "নতুন পাসওয়ার্ড",
        "নমস্কার,\n\nকেউ একজন, সম্ভবত আপনিই, এই ঠিকানার জন্য নতুন পাসওয়ার্ড বেছে নিতে চান। তার জন্য এটি খুলুন:\n\n{link}\n\n"
        "এটি আধ ঘণ্টা পর্যন্ত, একবারই কাজ করে; নতুন একটি পাঠানো হলে এটি আর চলবে না। কাউকে পাঠাবেন না।\n"
        "আপনি না চেয়ে থাকলে কিছু করবেন না: আপনার পাসওয়ার্ড যেমন ছিল তেমনই থাকবে।\n",
    ),
    MailLanguage.HI: (
        "नया पासवर्ड",
        "नमस्कार,\n\nकोई, शायद आप ही, इस पते के लिए नया पासवर्ड चुनना चाहते हैं। उसके लिए इसे खोलें:\n\n{link}\n\n"
        "यह आधे घंटे तक, एक ही बार काम करता है; नया भेजे जाने पर यह नहीं चलेगा। इसे किसी को न भेजें।\n"
        "अगर यह आपने नहीं माँगा, तो कुछ न करें: आपका पासवर्ड वैसा ही रहेगा।\n",
    ),
}
_CHANGED = {
    MailLanguage.EN: (
        "Your password was changed",
        "Hello,\n\na new password was chosen for this address, and you were signed out everywhere.\n\n"
        "If it was you, sign in here, and remove every passkey and every other sign-in that you do not know:\n\n{account}\n\n"
        "If it was not, tell your administrator at once.\n",
    ),
    MailLanguage.BN: (
        "আপনার পাসওয়ার্ড বদলানো হয়েছে",
        "নমস্কার,\n\nএই ঠিকানার জন্য নতুন পাসওয়ার্ড বেছে নেওয়া হয়েছে, আর আপনাকে সব জায়গা থেকে সাইন আউট করা হয়েছে।\n\n"
        "আপনি করে থাকলে এখানে সাইন ইন করুন, আর যে পাসকি বা সাইন ইনের অন্য উপায় আপনি চেনেন না, তা সরিয়ে দিন:\n\n{account}\n\n"
        "না করে থাকলে এখনই আপনার অ্যাডমিনিস্ট্রেটরকে জানান।\n",
    ),
    MailLanguage.HI: (
        "आपका पासवर्ड बदल गया है",
        "नमस्कार,\n\nइस पते के लिए नया पासवर्ड चुना गया है, और आपको हर जगह से साइन आउट कर दिया गया है।\n\n"
        "अगर यह आपने किया, तो यहाँ साइन इन करें, और जिस पासकी या साइन इन के दूसरे तरीके को आप नहीं जानते, उसे हटा दें:\n\n{account}\n\n"
        "अगर नहीं, तो तुरंत अपने एडमिनिस्ट्रेटर को बताएँ।\n",
    ),
}
_PROOF_CHANGED = {
    MailLanguage.EN: (
        "How you sign in was changed",
        "Hello,\n\nwhat you sign in with was changed: your password, a passkey, or your codes.\n\n"
        "If it was you, there is nothing to do. If it was not, tell your administrator at once.\n",
    ),
    MailLanguage.BN: (
        "আপনার সাইন ইন করার উপায় বদলেছে",
        "নমস্কার,\n\nআপনি যা দিয়ে সাইন ইন করেন তা বদলানো হয়েছে: পাসওয়ার্ড, পাসকি অথবা কোড।\n\n"
        "আপনি করে থাকলে আর কিছু করার নেই। না করে থাকলে এখনই আপনার অ্যাডমিনিস্ট্রেটরকে জানান।\n",
    ),
    MailLanguage.HI: (
        "आपके साइन इन का तरीका बदल गया है",
        "नमस्कार,\n\nआप जिससे साइन इन करते हैं, वह बदल गया है: पासवर्ड, पासकी या कोड।\n\n"
        "अगर यह आपने किया, तो और कुछ नहीं करना है। अगर नहीं, तो तुरंत अपने एडमिनिस्ट्रेटर को बताएँ।\n",
    ),
}
_ALARM = {
    MailLanguage.EN: (
        "Please sign in",
        "Hello,\n\nthere is something new for you. Please sign in today and look at it, before you call or write to anybody.\n",
    ),
    MailLanguage.BN: (
        "অনুগ্রহ করে সাইন ইন করুন",
        "নমস্কার,\n\nআপনার জন্য নতুন কিছু আছে। আজই সাইন ইন করে দেখুন; তার আগে কাউকে ফোন করবেন না, কিছু লিখবেনও না।\n",
    ),
    MailLanguage.HI: (
        "कृपया साइन इन करें",
        "नमस्कार,\n\nआपके लिए कुछ नया है। आज ही साइन इन करके देखें; उससे पहले किसी को न फ़ोन करें, न लिखें।\n",
    ),
}
