"""Imports every module that defines a table, so that migrations, the renderer and the tests see them all."""

from pat_auth import models as auth
from pat_auth.clients import models as clients
from pat_auth.invitations import models as invitations
from pat_auth.issuer import models as issuer
from pat_auth.mails import models as mails
from pat_platform import trail
from pat_platform.database.models import Base
from pat_tenants import replays
from pat_tenants.agreements import models as agreements
from pat_tenants.alerts import models as alerts
from pat_tenants.bases import models as bases
from pat_tenants.cases import models as cases
from pat_tenants.consents import models as consents
from pat_tenants.groups import models as groups
from pat_tenants.hearings import models as hearings
from pat_tenants.organisations import models as organisations
from pat_tenants.places import models as places
from pat_tenants.referral_work import models as referral_work
from pat_tenants.referrals import models as referrals
from pat_tenants.safety_holds import models as safety_holds
from pat_tenants.survivors import models as survivors
from pat_tenants.suspensions import models as suspensions
from pat_tenants.transitions import models as transitions

metadata = Base.metadata

__all__ = [
    "agreements",
    "alerts",
    "auth",
    "bases",
    "cases",
    "clients",
    "consents",
    "groups",
    "hearings",
    "invitations",
    "issuer",
    "mails",
    "metadata",
    "organisations",
    "places",
    "referral_work",
    "referrals",
    "replays",
    "safety_holds",
    "survivors",
    "suspensions",
    "trail",
    "transitions",
]
