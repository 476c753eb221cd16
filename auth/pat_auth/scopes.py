"""What a client may be given, whoever is signed in."""

ADMINISTRATION = "administration"
"""To change who and what may come in: clients, invitations, members."""

OPENID = "openid"
"""To be told who signed in (OpenID Connect): it opens no field."""

SCOPES = frozenset({"cases", "identity", "health", "groups", "referrals", ADMINISTRATION})
"""The field classes that a client may be given: a ceiling."""

KNOWN_SCOPES = SCOPES | {OPENID}
"""Everything that a client may ask for."""
