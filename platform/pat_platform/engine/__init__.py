"""GraphQL reads compiled to one SQL statement: a small library that knows nothing of the platform around it."""
