"""What alembic runs: the migrations, in the transaction that `recallgate.store.upgrade` has begun."""

from alembic import context

from recallgate.store.tables import metadata, schema_version

connection = context.config.attributes["connection"]
if connection is None:
    raise RuntimeError("run the migrations with recallgate.store.upgrade, or put a connection into config.attributes")

# made here as it is in a new database; alembic alone would make it with another type
schema_version.create(connection, checkfirst=True)
context.configure(connection=connection, target_metadata=metadata, version_table=schema_version.name, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
