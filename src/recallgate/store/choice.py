"""Which store an address means."""

from recallgate.store.engine import Store


def store_of(url: str | None, *, simulated: bool = False) -> Store:
    """PostgreSQL by its address, else SQLite, in memory without an address; a simulation's runs in the caller's thread."""
    if url is not None and url.startswith(("postgresql:", "postgres:")):
        from recallgate.store.postgres import PostgresStore

        return PostgresStore(url)
    if not simulated:
        return Store(url or "sqlite://")
    from recallgate.store.inline import InlineStore

    return InlineStore(url or "sqlite://")
