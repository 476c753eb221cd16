"""The languages that the API speaks to people in."""

from __future__ import annotations

from pat_auth.mails.letters import MailLanguage
from pat_schema.declaring import codes

__all__ = ["MailLanguage"]

codes(MailLanguage)
