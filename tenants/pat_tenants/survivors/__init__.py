"""Survivors, and apart from them who they are."""
