"""A post that its owner took off the site: noticed on its real page, and what Roost knew of it is gone."""

from pathlib import Path
from typing import Any

from domain.housekeeping import ERASED
from tests.whole.roost import Roost, roost

SETTINGS = {"MEMORY_LIMIT_MB": "2048", "REPLIES": "off", "THREADS": "no"}  # it is about pages, not about memory


def trail(life: Roost, post: dict[str, Any]) -> list[str]:
    return [event["event"] for event in life.ctl("post", str(post["id"]))["trail"]]


def test_a_post_that_its_owner_removed_is_erased_here_too(tmp_path: Path) -> None:
    with roost(tmp_path / "home", **SETTINGS) as life:
        status = life.until(
            lambda status: status["posts"].get("confirmed", 0) >= 1 and status["metrics"]["snapshots"] >= 1
        )
        gone = next(post for post in status["last_posts"] if post["state"] == "confirmed")
        life.remove(str(gone["site_id"]))
        life.until(lambda status: "erased" in trail(life, gone))

        assert trail(life, gone)[-2:] == ["removed", "erased"]
        assert "missing" in trail(life, gone)
        audit = life.ctl("post", str(gone["id"]))
        assert audit["body"] == ERASED
        assert audit["site_id"] == str(gone["site_id"])
        others = [post for post in life.status()["last_posts"] if post["id"] != gone["id"]]
        assert all(life.ctl("post", str(post["id"]))["removed_at"] is None for post in others)
        assert life.stop() == 0
