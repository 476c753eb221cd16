"""The domain: one folder a noun, with its tables, verbs and rules."""
