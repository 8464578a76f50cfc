"""The ground that the rest stands on: the journal, the account lane, and the servers of an embedded run."""
