"""Referrals from one organisation to another."""
