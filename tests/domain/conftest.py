"""Hypothesis for the rules: no deadline, since no test may depend on the machine's speed."""

from hypothesis import settings

settings.register_profile("roost", deadline=None)
settings.load_profile("roost")
