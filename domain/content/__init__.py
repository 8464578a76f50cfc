"""What may be said, how it is written without a model, and how much of it is planned: the rules, pure."""
