"""Programs that an organisation lets its people sign in to."""
