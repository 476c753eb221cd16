"""Alembic's environment. The connection comes from ``pat migrate``, which holds the lock and the transaction."""

from alembic import context

from pat_tenants.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table="versions",
    version_table_schema="migrations",
    include_schemas=True,
)
context.run_migrations()
