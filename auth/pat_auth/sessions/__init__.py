"""Sign-in sessions, as the person whose they are sees them."""
