"""Memberships: how administrators let people in, and end that."""
