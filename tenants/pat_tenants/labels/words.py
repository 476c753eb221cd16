"""What the codes of sharing are called in English, Bengali and Hindi, as people say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from pat_auth.mails.letters import MailLanguage


class Labelled(StrEnum):
    """The enumerations whose values have labels, each by its name in this schema."""

    AgreementStatus = "AgreementStatus"
    Answer = "Answer"
    ConsentGiver = "ConsentGiver"
    ConsentMode = "ConsentMode"
    ConsentQuestion = "ConsentQuestion"
    DeclineReason = "DeclineReason"
    EndReason = "EndReason"
    Ground = "Ground"
    HearingMode = "HearingMode"
    HearingOutcome = "HearingOutcome"
    HearingPurpose = "HearingPurpose"
    HearingSide = "HearingSide"
    HearingState = "HearingState"
    LegalBasisKind = "LegalBasisKind"
    LegalBasisReview = "LegalBasisReview"
    Need = "Need"
    ReferralDirection = "ReferralDirection"
    ReferralReason = "ReferralReason"
    ReferralScope = "ReferralScope"
    ReferralSide = "ReferralSide"
    ReferralStatus = "ReferralStatus"
    SupportPerson = "SupportPerson"
    UpdateKind = "UpdateKind"
    Urgency = "Urgency"
    WithheldReason = "WithheldReason"


Words = tuple[str, str, str]
LANGUAGES = (MailLanguage.EN, MailLanguage.BN, MailLanguage.HI)
"""In the order of the words."""

_STATES: Mapping[str, Words] = {
    "DRAFT": ("Being prepared", "তৈরি হচ্ছে", "तैयार हो रहा है"),
    "CONSENT_RECORDED": ("Ready to be sent", "পাঠানোর জন্য প্রস্তুত", "भेजने के लिए तैयार"),
    "SENT": ("Sent", "পাঠানো হয়েছে", "भेजा गया"),
    "ACCEPTED": ("Accepted", "গ্রহণ করা হয়েছে", "स्वीकार किया गया"),
    "DECLINED": ("Declined", "গ্রহণ করা হয়নি", "स्वीकार नहीं किया गया"),
    "EXPIRED": ("Run out", "মেয়াদ শেষ", "अवधि समाप्त"),
    "IN_PROGRESS": ("Being worked on", "কাজ চলছে", "काम चल रहा है"),
    "COMPLETED": ("Done", "কাজ শেষ হয়েছে", "काम पूरा हुआ"),
    "CLOSED": ("Closed", "বন্ধ করা হয়েছে", "बंद किया गया"),
    "REVOKED": ("Taken back", "ফিরিয়ে নেওয়া হয়েছে", "वापस लिया गया"),
    "SUSPENDED": ("Stopped for now", "আপাতত স্থগিত", "फ़िलहाल रुका हुआ"),
}
_REASONS: Mapping[str, Words] = {
    "NO_CAPACITY": ("No room or time at present", "এখন জায়গা বা সময় নেই", "अभी जगह या समय नहीं है"),
    "OUTSIDE_AREA": ("Outside the area", "কাজের এলাকার বাইরে", "कार्य क्षेत्र से बाहर"),
    "NOT_OUR_SERVICE": ("Not what we do", "এই কাজ আমরা করি না", "यह काम हम नहीं करते"),
    "SAFETY": ("For safety", "নিরাপত্তার জন্য", "सुरक्षा के लिए"),
    "ALREADY_KNOWN": ("Already known to us", "আমাদের আগে থেকেই জানা", "हमें पहले से मालूम है"),
    "OTHER_REASON": ("Another reason", "অন্য কারণ", "कोई और कारण"),
    "WORK_DONE": ("The work is done", "কাজ হয়ে গেছে", "काम हो गया है"),
    "NO_ANSWER": ("No answer", "উত্তর আসেনি", "जवाब नहीं आया"),
    "PARTNER": ("Because of the partner", "সহযোগী সংস্থার কারণে", "साझेदार संस्था के कारण"),
    "MISTAKE": ("A mistake", "ভুল হয়েছিল", "ग़लती हुई थी"),
    "CONSENT_WITHDRAWN": ("Consent was withdrawn", "সম্মতি তুলে নেওয়া হয়েছে", "सहमति वापस ली गई"),
}
_GROUNDS: Mapping[str, Words] = {
    "CONSENT": ("Consent", "সম্মতি", "सहमति"),
    "COURT_ORDER": ("Order of a court", "আদালতের আদেশ", "अदालत का आदेश"),
    "STATUTORY_DUTY": ("Duty by law", "আইনের বাধ্যবাধকতা", "क़ानूनी कर्तव्य"),
    "VITAL_INTEREST": ("Danger to life", "প্রাণের বিপদ", "जान का ख़तरा"),
}


def _of(words: Mapping[str, Words], *values: str) -> Mapping[str, Words]:
    return {value: words[value] for value in values}


WORDS: Mapping[Labelled, Mapping[str, Words]] = {
    Labelled.ReferralStatus: _STATES,
    Labelled.Answer: _of(_STATES, "ACCEPTED", "DECLINED", "IN_PROGRESS", "COMPLETED"),
    Labelled.ReferralReason: _REASONS,
    Labelled.DeclineReason: _of(
        _REASONS, "NO_CAPACITY", "OUTSIDE_AREA", "NOT_OUR_SERVICE", "SAFETY", "ALREADY_KNOWN", "OTHER_REASON"
    ),
    Labelled.EndReason: _of(_REASONS, "SAFETY", "WORK_DONE", "NO_ANSWER", "PARTNER", "MISTAKE"),
    Labelled.Ground: _GROUNDS,
    Labelled.LegalBasisKind: _of(_GROUNDS, "COURT_ORDER", "STATUTORY_DUTY", "VITAL_INTEREST"),
    Labelled.Need: {
        "LEGAL_REPRESENTATION": ("A lawyer", "আইনজীবী", "वकील"),
        "COURT_FOLLOW_UP": ("Following the case in court", "আদালতে মামলার খোঁজ রাখা", "अदालत में मामले की ख़बर रखना"),
        "SHELTER": ("A place to stay", "থাকার জায়গা", "रहने की जगह"),
        "REPATRIATION": ("The way home", "বাড়ি ফেরা", "घर वापसी"),
        "TRACING": ("Finding somebody who is missing", "নিখোঁজ মানুষের খোঁজ", "लापता व्यक्ति की तलाश"),
    },
    Labelled.Urgency: {
        "ROUTINE": ("Not urgent", "তাড়া নেই", "जल्दी नहीं"),
        "SOON": ("Soon", "শীঘ্রই", "जल्द"),
        "URGENT": ("At once", "এখনই", "तुरंत"),
    },
    Labelled.ReferralScope: {
        "LEGAL_STATUS": ("How matters stand in court", "মামলা কোন পর্যায়ে আছে", "मामला किस स्थिति में है"),
        "HEARING_SCHEDULE": ("Days in court", "আদালতের তারিখ", "अदालत की तारीख़ें"),
        "IDENTITY_MINIMAL": (
            "First name, gender, approximate age and language",
            "নাম (পদবি ছাড়া), লিঙ্গ, আনুমানিক বয়স ও ভাষা",
            "नाम (उपनाम के बिना), लिंग, लगभग उम्र और भाषा",
        ),
        "IDENTITY_FULL": ("Full name and identity", "পুরো নাম ও পরিচয়", "पूरा नाम और पहचान"),
        "CONTACT_SAFE": (
            "A telephone number that is safe to call",
            "যে ফোন নম্বরে নিরাপদে যোগাযোগ করা যায়",
            "वह फ़ोन नंबर जिस पर बात करना सुरक्षित है",
        ),
        "HEALTH_MHPSS": ("Health and counselling", "স্বাস্থ্য ও মানসিক সহায়তা", "स्वास्थ्य और मानसिक सहयोग"),
        "SHELTER_REPATRIATION": ("Shelter and the way home", "আশ্রয় ও বাড়ি ফেরা", "आश्रय और घर वापसी"),
        "COMPENSATION": ("Compensation", "ক্ষতিপূরণ", "मुआवज़ा"),
        "DOCUMENTS": ("Documents", "কাগজপত্র", "दस्तावेज़"),
        "RISK_SAFETY": ("Risk and safety", "ঝুঁকি ও নিরাপত্তা", "ख़तरा और सुरक्षा"),
    },
    Labelled.ReferralSide: {
        "SENDER": ("The organisation that asks", "যে সংস্থা অনুরোধ করেছে", "अनुरोध करने वाली संस्था"),
        "RECEIVER": (
            "The organisation that is asked",
            "যে সংস্থাকে অনুরোধ করা হয়েছে",
            "जिस संस्था से अनुरोध किया गया",
        ),
    },
    Labelled.ReferralDirection: {
        "SENT": ("Sent by us", "আমাদের পাঠানো", "हमारा भेजा हुआ"),
        "RECEIVED": ("Sent to us", "আমাদের কাছে পাঠানো", "हमें भेजा गया"),
    },
    Labelled.UpdateKind: {
        "CONTACT_MADE": ("Contact was made", "যোগাযোগ হয়েছে", "संपर्क हुआ"),
        "VISIT_MADE": ("A visit was made", "দেখা করা হয়েছে", "मुलाक़ात हुई"),
        "LAWYER_APPOINTED": ("A lawyer was appointed", "আইনজীবী নিয়োগ করা হয়েছে", "वकील नियुक्त हुआ"),
        "APPLICATION_FILED": ("An application was filed", "আবেদন জমা দেওয়া হয়েছে", "आवेदन दिया गया"),
        "ORDER_RECEIVED": ("An order was received", "আদেশ পাওয়া গেছে", "आदेश मिला"),
        "SHELTER_GIVEN": ("A place to stay was given", "থাকার জায়গা দেওয়া হয়েছে", "रहने की जगह दी गई"),
        "TRACED": ("Found", "খোঁজ পাওয়া গেছে", "पता चल गया"),
        "RETURN_ARRANGED": ("The way home is arranged", "বাড়ি ফেরার ব্যবস্থা হয়েছে", "घर वापसी का इंतज़ाम हुआ"),
        "RETURNED": ("Home again", "বাড়ি ফেরা হয়েছে", "घर वापसी हुई"),
        "OTHER_STEP": ("Something else was done", "অন্য কিছু করা হয়েছে", "कुछ और किया गया"),
    },
    Labelled.HearingMode: {
        "PHYSICAL": ("In the court room", "আদালতে উপস্থিত হয়ে", "अदालत में हाज़िर होकर"),
        "VIDEO": ("By video link", "ভিডিও সংযোগে", "वीडियो के ज़रिए"),
    },
    Labelled.HearingState: {
        "SCHEDULED": ("The day is fixed", "দিন ঠিক হয়েছে", "तारीख़ तय है"),
        "VC_REQUESTED": ("Video link asked for", "ভিডিও সংযোগ চাওয়া হয়েছে", "वीडियो की माँग की गई"),
        "VC_CONFIRMED": ("Video link confirmed", "ভিডিও সংযোগ নিশ্চিত", "वीडियो पक्का हुआ"),
        "READY": ("Everything is ready", "সব প্রস্তুত", "सब तैयार है"),
        "HELD": ("Has taken place", "শুনানি হয়েছে", "सुनवाई हुई"),
        "ADJOURNED": ("Put off to another day", "অন্য দিনে পিছিয়েছে", "दूसरी तारीख़ पर टली"),
        "MISSED": ("Missed", "হাজির হওয়া যায়নি", "हाज़िरी नहीं हो पाई"),
        "CANCELLED": ("Cancelled", "বাতিল", "रद्द"),
    },
    Labelled.HearingSide: {
        "OWN": ("Ours", "আমাদের", "हमारी"),
        "PARTNER": ("The partner's", "সহযোগী সংস্থার", "साझेदार संस्था की"),
    },
    Labelled.HearingPurpose: {
        "APPEARANCE": ("To appear", "হাজিরা", "पेशी"),
        "BAIL": ("Bail", "জামিন", "ज़मानत"),
        "CHARGE": ("Charges", "অভিযোগ গঠন", "आरोप तय करना"),
        "EVIDENCE": ("Evidence", "সাক্ষ্য", "गवाही"),
        "ARGUMENTS": ("Arguments", "সওয়াল-জবাব", "बहस"),
        "JUDGMENT": ("Judgment", "রায়", "फ़ैसला"),
        "COMPENSATION": ("Compensation", "ক্ষতিপূরণ", "मुआवज़ा"),
        "OTHER": ("Something else", "অন্য কিছু", "कुछ और"),
    },
    Labelled.HearingOutcome: {
        "EVIDENCE_RECORDED": ("Evidence was recorded", "সাক্ষ্য নেওয়া হয়েছে", "गवाही दर्ज हुई"),
        "PARTLY_HEARD": ("Heard in part", "আংশিক শোনা হয়েছে", "कुछ हिस्सा सुना गया"),
        "ORDER_MADE": ("An order was made", "আদেশ দেওয়া হয়েছে", "आदेश दिया गया"),
        "ORDER_RESERVED": ("The order comes later", "আদেশ পরে দেওয়া হবে", "आदेश बाद में आएगा"),
        "JUDGMENT": ("Judgment was given", "রায় দেওয়া হয়েছে", "फ़ैसला सुनाया गया"),
        "COURT_DID_NOT_SIT": ("The court did not sit", "আদালত বসেনি", "अदालत नहीं बैठी"),
        "LINK_FAILED": ("The video link failed", "ভিডিও সংযোগ কাজ করেনি", "वीडियो नहीं चला"),
        "SOMEBODY_ABSENT": ("Somebody was absent", "কেউ অনুপস্থিত ছিলেন", "कोई मौजूद नहीं था"),
        "OTHER": ("Something else", "অন্য কিছু", "कुछ और"),
    },
    Labelled.SupportPerson: {
        "SOCIAL_WORKER": ("Social worker", "সমাজকর্মী", "सामाजिक कार्यकर्ता"),
        "COUNSELLOR": ("Counsellor", "পরামর্শদাতা", "परामर्शदाता"),
        "LAWYER": ("Lawyer", "আইনজীবী", "वकील"),
        "CHILD_WELFARE_OFFICER": ("Child welfare officer", "শিশু কল্যাণ আধিকারিক", "बाल कल्याण अधिकारी"),
        "FAMILY": ("Family", "পরিবারের কেউ", "परिवार का कोई"),
        "OTHER": ("Somebody else", "অন্য কেউ", "कोई और"),
    },
    Labelled.ConsentGiver: {
        "SELF": ("Herself", "নিজে", "स्वयं"),
        "GUARDIAN": ("Guardian", "অভিভাবক", "अभिभावक"),
        "CHILD_WELFARE_COMMITTEE": ("Child Welfare Committee", "শিশু কল্যাণ সমিতি", "बाल कल्याण समिति"),
    },
    Labelled.ConsentMode: {
        "SIGNATURE": ("Signature", "স্বাক্ষর", "हस्ताक्षर"),
        "THUMBPRINT": ("Thumbprint", "টিপসই", "अंगूठे का निशान"),
        "VERBAL_WITNESSED": ("In words, before a witness", "সাক্ষীর সামনে মুখে বলে", "गवाह के सामने बोलकर"),
        "AUDIO": ("On a recording", "কথা রেকর্ড করে", "आवाज़ रिकॉर्ड करके"),
        "APP": ("Herself, signed in", "নিজে সাইন ইন করে", "खुद साइन इन करके"),
    },
    Labelled.ConsentQuestion: {
        "PURPOSE": ("What it is for", "কী কাজের জন্য", "किस काम के लिए है"),
        "USE": ("How it is used", "কীভাবে ব্যবহার হবে", "कैसे इस्तेमाल होगा"),
        "RESEARCH_USE": (
            "Whether research may use it",
            "গবেষণায় ব্যবহার করা যাবে কি না",
            "शोध में इस्तेमाल हो सकता है या नहीं",
        ),
        "ACCESS_REQUEST": (
            "Asking to see it",
            "নিজের তথ্য দেখতে চাওয়া যায়",
            "अपनी जानकारी देखने की माँग की जा सकती है",
        ),
        "STORAGE_PERIOD": ("How long it is kept", "কতদিন রাখা হবে", "कितने समय तक रखी जाएगी"),
        "WITHDRAWAL": ("How to end it", "কীভাবে সম্মতি তুলে নেওয়া যায়", "सहमति कैसे वापस ली जा सकती है"),
        "GIVEN_FREELY": ("Agreed to freely", "নিজের ইচ্ছায় সম্মতি", "अपनी इच्छा से सहमति"),
    },
    Labelled.LegalBasisReview: {
        "JUSTIFIED": ("It was right", "ঠিক ছিল", "सही था"),
        "UNJUSTIFIED": ("It was not right", "ঠিক ছিল না", "सही नहीं था"),
    },
    Labelled.AgreementStatus: {
        "AWAITING_PARTNER": (
            "Waits for the partner to sign",
            "সহযোগী সংস্থার স্বাক্ষর বাকি",
            "साझेदार संस्था के हस्ताक्षर बाक़ी",
        ),
        "AWAITING_US": ("Waits for us to sign", "আমাদের স্বাক্ষর বাকি", "हमारे हस्ताक्षर बाक़ी"),
        "LIVE": ("In force", "চালু আছে", "लागू है"),
        "UPCOMING": ("Begins later", "পরে শুরু হবে", "बाद में शुरू होगा"),
        "SUSPENDED": _STATES["SUSPENDED"],
        "EXPIRED": _STATES["EXPIRED"],
    },
    Labelled.WithheldReason: {
        "ROLE": ("Not for this role", "এই ভূমিকায় দেখা যায় না", "इस भूमिका में नहीं दिखता"),
        "NOT_ASSIGNED": ("Not assigned to you", "আপনাকে দায়িত্ব দেওয়া হয়নি", "आपको ज़िम्मेदारी नहीं दी गई"),
        "CLIENT": ("Not in this program", "এই প্রোগ্রামে দেখা যায় না", "इस प्रोग्राम में नहीं दिखता"),
        "NOT_SHARED": ("Not shared", "জানানো হয়নি", "साझा नहीं किया गया"),
    },
}


def labels() -> Iterator[tuple[str, str, int, str, str]]:
    """Every label: of which enumeration, of which value, its place among them, in which language, and what it says."""
    for labelled in Labelled:
        for place, (value, words) in enumerate(WORDS[labelled].items()):
            for language, label in zip(LANGUAGES, words, strict=True):
                yield labelled.value, value, place, language.value, label
