"""Agreements between two organisations."""
