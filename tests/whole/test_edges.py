"""`kill -9` at each edge of publishing, for real: what the site and the database say after the next start."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from domain.publishing.edges import EDGES
from tests.simulated.verdict import rows
from tests.waiting import eventually
from tests.whole.roost import SPEED, roost

SIGKILLED = -9
# Before this edge nothing has left the browser; at it or after, the site may or may not have the post.
BEFORE_SENDING = ("claimed", "kept", "composed")
PUBLISHING = ("posting", "reply_posting")
AT_ONCE = 3  # whole Roosts side by side
SETTLE_SECONDS = 400.0  # id recovery may have to wait a minute for a context, and try again, with others at work


def settled(status: dict[str, Any]) -> bool:
    """Whether nothing is under way any more, and the first post has come to an end."""
    posts = status["posts"]
    ends = posts.get("confirmed", 0) + posts.get("reconciled", 0) + posts.get("needs_human", 0)
    return bool(ends) and not posts.get("unknown", 0) and not posts.get("armed", 0)


def resting(status: dict[str, Any]) -> bool:
    """Whether nothing is published before somebody says so."""
    return all(status["jobs"][job]["state"] == "paused" for job in PUBLISHING)


def one_death(
    home: Path, edge: str, shapes: Mapping[str, Mapping[str, object]]
) -> tuple[str, list[str], dict[str, str]]:
    """Die at the edge, start again, and wait until it is settled. Returns edge, texts on the site, states by text.

    shapes: those that the site has on from its first start.
    """
    site = home / "sandbox"
    site.mkdir(parents=True, mode=0o700)
    (site / "shapes.json").write_text(json.dumps(shapes))
    with roost(home, CRASH_AT=edge) as first:
        assert first.died() == SIGKILLED, first.log()[-3000:]
    # One post is what this is about: the second life plans none.
    with roost(home, JOBS_PLAN_INTERVAL_MIN="10000") as second:
        second.until(settled, within=SETTLE_SECONDS)
        for job in PUBLISHING:
            # Or the next of the batch is published between the looks below. Its actor may not have been started yet.
            eventually(lambda job=job: second.ctl("job", job, "pause"))  # type: ignore[misc]
        dsn = second.until(resting)["servers"]["postgres"]["url"]
        texts = [post["text"] for post in second.on_site()]

        def known() -> dict[str, str]:
            """What the database says, once all that the journal holds has reached it."""
            found = {str(body): str(state) for body, state in rows(dsn, "select body, state from posts")}
            assert not {"armed", "unknown"} & set(found.values()), found
            assert not [body for body, state in found.items() if state == "claimed" and body in texts], found
            return found

        states = eventually(known, within=120)
    return edge, texts, states


# How a post leaves: by the call that everybody has; by that of subscribers, and twice more, at once and late.
SENDS: tuple[dict[str, dict[str, object]], ...] = (
    {},
    {"sends": {"by": "CreateNoteTweet", "times": 2, "again": 500}, "draft_editor": {}, "composer_in_dialog": {}},
)


@pytest.mark.parametrize("shapes", SENDS, ids=["plain", "note_and_late_second"])
def test_a_kill_at_each_edge_publishes_nothing_twice_and_loses_nothing(
    tmp_path: Path, shapes: dict[str, dict[str, object]]
) -> None:
    assert float(SPEED) > 1
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda edge: one_death(tmp_path / edge, edge, shapes), EDGES))
    for edge, texts, states in found:
        assert len(texts) == len(set(texts)), f"{edge}: published twice"
        for text, state in states.items():
            case = f"{edge}: {text!r} is {state}"
            match state:
                case "confirmed" | "reconciled":
                    assert text in texts, f"{case}, and not on the site"
                case "needs_human":
                    assert text not in texts, f"{case}, and was not found, though it is on the site"
                    assert edge == "armed", f"{case}: it should have been found or sent again"
                case "claimed" | "planned":  # the next of the batch, whose time has not come
                    assert text not in texts, f"{case}, and on the site, and nobody knows"
                case _:
                    raise AssertionError(case)
        if edge in BEFORE_SENDING:
            assert "needs_human" not in states.values(), f"{edge}: definitely not sent, so sent again"
            assert "reconciled" not in states.values(), f"{edge}: definitely not sent, so nothing was to be found"
