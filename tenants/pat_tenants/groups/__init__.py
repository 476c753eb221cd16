"""Self-help groups: members, savings and loans."""
