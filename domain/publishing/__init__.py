"""Exactly once over a page that promises nothing: the states of a post, and who may move it."""
