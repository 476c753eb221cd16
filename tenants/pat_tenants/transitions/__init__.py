"""Which step leads from which state to which, and who may take it."""
