"""What crosses folders: messages and snapshots, pure data."""
