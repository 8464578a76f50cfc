"""What was measured and made of it, in Postgres: one module a subject."""
