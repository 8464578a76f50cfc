"""Which Roost this is. Here alone: pyproject.toml, `/status` and `/metrics` read it from here."""

VERSION = "0.1.0"
