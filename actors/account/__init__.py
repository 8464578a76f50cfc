"""What belongs to the account that this instance acts for."""
