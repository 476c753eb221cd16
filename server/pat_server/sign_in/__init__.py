"""Signing in: the issuer's endpoints, and the pages that people see."""
