"""Post ids that carry their own time, as X's do: `(id >> 22) + 1288834974657` is the millisecond of the post.

Below the time stand 10 bits of worker (0 is the own account, the strangers have one each) and 12 of sequence. Source:
https://github.com/twitter-archive/snowflake/tree/snowflake-2010.
"""

EPOCH_MS = 1_288_834_974_657


def make(at_ms: int, worker: int = 0) -> int:
    """The first id of a worker in the millisecond `at_ms` (Unix, calendar)."""
    return (at_ms - EPOCH_MS) << 22 | worker << 12


def next_own(now: float, last: int) -> int:
    """An own id for calendar time `now` (seconds) that is above `last`, even where the clock stands still."""
    made = make(int(now * 1000.0))
    return made if made > last else ((last >> 22) + 1) << 22


def seconds_of(post_id: int) -> float:
    """The calendar time of a post, in seconds."""
    return ((post_id >> 22) + EPOCH_MS) / 1000.0


def worker_of(post_id: int) -> int:
    """Who made the id: 0 is the own account."""
    return post_id >> 12 & 0x3FF
