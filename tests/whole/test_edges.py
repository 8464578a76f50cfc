"""`kill -9` at each edge of publishing, for real: what the site and the database say after the next start."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from domain.publishing.edges import EDGES
from tests.whole.roost import SPEED, roost

SIGKILLED = -9
# Before this edge nothing has left the browser; at it or after, the site may or may not have the post.
BEFORE_SENDING = ("claimed", "kept", "composed")
PUBLISHING = ("posting", "reply_posting")
AT_ONCE = 3  # whole Roosts side by side


def settled(status: dict[str, Any]) -> bool:
    """Whether nothing is under way any more, and the first post has come to an end."""
    posts = status["posts"]
    ends = posts.get("confirmed", 0) + posts.get("reconciled", 0) + posts.get("needs_human", 0)
    return bool(ends) and not posts.get("unknown", 0) and not posts.get("armed", 0)


def resting(status: dict[str, Any]) -> bool:
    """Whether nothing is published before somebody says so."""
    return all(status["jobs"][job]["state"] == "paused" for job in PUBLISHING)


def one_death(home: Path, edge: str) -> tuple[str, list[str], list[dict[str, Any]]]:
    """Die at the edge, start again, and wait until it is settled. Returns edge, texts on the site, rows."""
    with roost(home, CRASH_AT=edge) as first:
        assert first.died() == SIGKILLED, first.log()[-3000:]
    # One post is what this is about: the second life plans none.
    with roost(home, JOBS_PLAN_INTERVAL_MIN="10000") as second:
        second.until(settled)
        for job in PUBLISHING:
            second.ctl("job", job, "pause")  # or the next of the batch is published between the two looks below
        status = second.until(lambda status: settled(status) and resting(status))
        texts = [post["text"] for post in second.on_site()]
        rows = [post for post in status["last_posts"] if post["state"] != "planned"]
    return edge, texts, rows


def test_a_kill_at_each_edge_publishes_nothing_twice_and_loses_nothing(tmp_path: Path) -> None:
    assert float(SPEED) > 1
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda edge: one_death(tmp_path / edge, edge), EDGES))
    for edge, texts, rows in found:
        assert len(texts) == len(set(texts)), f"{edge}: published twice"
        for row in rows:
            on_site = texts.count(row["body"])
            match row["state"]:
                case "confirmed" | "reconciled":
                    assert on_site == 1, f"{edge}: {row} is not on the site"
                case "needs_human":
                    assert on_site == 0, f"{edge}: {row} is on the site, and was not found"
                    assert edge == "armed", f"{edge}: {row} should have been found or sent again"
                case "claimed":  # the next of the batch, whose time has not come
                    assert on_site == 0, f"{edge}: {row} is on the site, and nobody knows"
                case other:
                    raise AssertionError(f"{edge}: {row} is {other}")
        if edge in BEFORE_SENDING:
            assert {row["state"] for row in rows} <= {"confirmed", "claimed"}, (
                f"{edge}: definitely not sent, so sent again"
            )
