"""What two jobs or more use."""
