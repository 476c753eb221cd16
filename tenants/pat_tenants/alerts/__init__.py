"""Alerts: that somebody may be in danger."""
