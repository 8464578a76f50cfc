"""The main job, end to end, for real: one command, and a supervised system posts, scrapes and learns."""

from pathlib import Path
from typing import Any

from tests.waiting import eventually
from tests.whole.roost import Roost, roost

KILLABLE = {
    "browser": ("headless", "--type=", ()),
}


def done(status: dict[str, Any]) -> bool:
    return (
        status["posts"].get("confirmed", 0) >= 1
        and status["metrics"]["snapshots"] >= 1
        and status["models"]["version"] >= 1
    )


def assert_nothing_twice(life: Roost) -> None:
    texts = [post["text"] for post in life.on_site()]
    assert len(texts) == len(set(texts))


def test_it_publishes_scrapes_learns_and_ends_in_order(tmp_path: Path) -> None:
    with roost(tmp_path / "home") as life:
        status = life.until(done, 180.0)
        confirmed = [post for post in status["last_posts"] if post["state"] == "confirmed"]
        on_site = {str(post["id"]) for post in life.on_site()}
        assert {str(post["site_id"]) for post in confirmed} <= on_site
        assert status["level"]["name"] == "full"
        assert "roost_" in life.metrics()
        assert life.ctl("status")["posts"]["confirmed"] >= 1
        assert life.stop() == 0
        eventually(lambda: not life.left_behind(), 5.0)


def test_each_component_comes_back_and_nothing_is_published_twice(tmp_path: Path) -> None:
    with roost(tmp_path / "home") as life:
        life.until(lambda status: status["level"]["name"] == "full" and status["posts"].get("confirmed", 0) >= 1)
        for words in (
            ("chromium", "--headless"),
            ("postgres", "-D"),
            ("redis-server",),
            ("social.sandbox",),
            ("playwright", "run-driver"),
        ):
            victims = life.processes(*words)
            assert victims, f"there is no process {words}"
            before = life.status()["posts"].get("confirmed", 0)
            victims[0].kill()
            life.until(lambda status: status["level"]["name"] != "full", 60.0)
            life.until(
                lambda status, before=before: status["level"]["name"] == "full"
                and status["posts"].get("confirmed", 0) > before
            )
            assert_nothing_twice(life)
