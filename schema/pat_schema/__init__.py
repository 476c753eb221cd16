"""GraphQL: one file a noun. Declares how a field is found; never queries."""
