"""Identities at rest: a key for each survivor, wrapped under a key for each organisation."""
