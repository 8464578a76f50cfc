"""What only main.py uses and is no actor."""
