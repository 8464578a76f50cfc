"""The real site's shapes, met by the whole Roost: a wall that nobody knows, and a profile of 300 posts."""

from pathlib import Path
from typing import Any

from tests.whole.roost import Roost, roost

SETTINGS = {"MEMORY_LIMIT_MB": "2048", "REPLIES": "off", "THREADS": "no"}  # it is about pages, not about memory


def runs(status: dict[str, Any], job: str) -> int:
    return int(status["jobs"][job]["started"])


def alerts(life: Roost) -> dict[str, str]:
    return {alert["key"]: alert["text"] for alert in life.ctl("alerts")["standing"]}


def test_a_sign_out_by_a_wall_that_nobody_knows_is_told_within_two_looks(tmp_path: Path) -> None:
    with roost(tmp_path / "home", **SETTINGS) as life:
        life.until(lambda status: status["jobs"]["session_monitor"]["last"] is not None)
        life.shape("unknown_wall")
        before = runs(life.status(), "session_monitor")
        status = life.until(lambda status: "session" in alerts(life))
        assert runs(status, "session_monitor") - before <= 3, "one may have been under way"
        assert "neither who is signed in" in alerts(life)["session"]
        assert life.status()["lane"]["stopped"].startswith("unproven: ")
        life.no_shapes()
        life.until(lambda status: status["lane"]["stopped"] is None and "session" not in alerts(life))
        assert life.stop() == 0


def test_a_post_that_nobody_knows_about_is_found_120_posts_down_a_profile_of_300(tmp_path: Path) -> None:
    with roost(tmp_path / "home", **SETTINGS) as life:
        life.until(lambda status: status["posts"].get("confirmed", 0) >= 1)
        for shape in ("ads", "virtual_list"):
            life.shape(shape)
        for number in range(180):
            life.post_by_hand(f"Older than it, number {number}")
        began = life.status()["posts"].get("confirmed", 0)
        life.until(lambda status: status["posts"].get("confirmed", 0) > began)
        life.fault(kind="commit_then_drop", times=1)
        life.fault(kind="profile_lag", lag=3_600)
        life.until(lambda status: status["posts"].get("unknown", 0) == 1)
        lost = next(post for post in life.status()["last_posts"] if post["state"] == "unknown")
        for number in range(120):
            life.post_by_hand(f"Newer than it, number {number}")
        life.no_faults()
        life.until(lambda status: life.ctl("post", str(lost["id"]))["state"] == "reconciled")
        audit = life.ctl("post", str(lost["id"]))
        on_site = [post for post in life.on_site() if post["text"] == audit["body"]]
        assert [post["id"] for post in on_site] == [audit["site_id"]]
        assert life.stop() == 0
