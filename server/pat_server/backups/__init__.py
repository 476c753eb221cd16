"""Backups: PostgreSQL's own archives, without the keys and without the logins."""
