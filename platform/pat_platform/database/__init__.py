"""The way to the database: logins, one keyed pool, reads in one round trip, transactions for verbs."""
