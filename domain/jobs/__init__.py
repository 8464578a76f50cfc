"""When jobs run, after which others, and how often again: the rules, pure."""
