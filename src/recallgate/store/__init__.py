"""The store: truth about every message, on SQLite; one module a subject, SQL of a dialect apart."""
