"""Outgoing mail: what is to be sent is sealed in the database until it is."""
