"""The ground: settings, errors, the database and the read engine. Knows nothing of the domain."""
