"""Replies to strangers: whom to answer, what with, and what was learned from it. Whoever wants none gets none."""
