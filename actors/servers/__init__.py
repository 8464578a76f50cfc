"""Embedded servers: processes of Roost's own, where none is configured."""
