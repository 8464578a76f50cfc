"""Exactly once, over a page that promises nothing."""
