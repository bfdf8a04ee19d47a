"""What Alembic runs: bring the tables up to date over the connection that the store hands in."""

from alembic import context

from relay.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most of a table in place: Alembic then copies it over.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
