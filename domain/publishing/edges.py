"""The edges of publishing: the moments between two states at which a crash would hurt most, in their order."""

EDGES = (
    "claimed",  # in Postgres; the journal has no copy yet
    "kept",  # in the journal too
    "composed",  # typed and clicked: the request is held back, the intent not yet written
    "armed",  # the intent is on the disk, the request still held back
    "sent",  # the site has answered; the journal does not know the id
    "confirmed",  # the journal knows the id, Postgres does not
    "told",  # Postgres knows it too
)
