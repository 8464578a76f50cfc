"""The main job, end to end, for real: one command, and a supervised system posts, scrapes and learns."""

from pathlib import Path
from typing import Any

from tests.waiting import eventually
from tests.whole.roost import Roost, roost

# What is killed, by words of its command line.
VICTIMS = (("chromium", "--headless"), ("postgres", "-D"), ("redis-server",), ("social.sandbox",), ("run-driver",))
# One post at a time, as soon as the caps allow: an empty queue asks for the next. And room: at this speed every job
# is at its pages all the time, and a browser recycled for want of memory would be one more that comes and goes.
ONE_BY_ONE = {"MEMORY_LIMIT_MB": "2048", "DAILY_BUDGET_USD": "1", "JOBS_PLAN_INTERVAL_MIN": "10000"}


def done(status: dict[str, Any]) -> bool:
    return (
        status["posts"].get("confirmed", 0) >= 1
        and status["metrics"]["snapshots"] >= 1
        and status["models"]["version"] >= 1
    )


def is_full(status: dict[str, Any]) -> bool:
    return str(status["level"]["name"]) == "full"


def assert_nothing_twice(life: Roost) -> None:
    texts = [post["text"] for post in life.on_site()]
    assert len(texts) == len(set(texts))


def test_it_publishes_scrapes_learns_and_ends_in_order(tmp_path: Path) -> None:
    with roost(tmp_path / "home") as life:
        status = life.until(lambda status: done(status) and is_full(status))
        confirmed = [post for post in status["last_posts"] if post["state"] == "confirmed"]
        on_site = {str(post["id"]) for post in life.on_site()}
        assert {str(post["site_id"]) for post in confirmed} <= on_site
        assert 'roost_leases_granted_total{job="posting",resource="browser"}' in life.metrics()
        assert life.ctl("status")["posts"]["confirmed"] >= 1
        assert life.stop() == 0
        eventually(lambda: not life.left_behind(), 5.0)


def test_each_component_comes_back_and_nothing_is_published_twice(tmp_path: Path) -> None:
    with roost(tmp_path / "home", **ONE_BY_ONE) as life:
        life.until(lambda status: is_full(status) and status["posts"].get("confirmed", 0) >= 1)
        for words in VICTIMS:
            victims = life.processes(*words)
            assert victims, f"there is no process {words}"
            victims[0].kill()
            life.until(lambda status: not is_full(status), 60.0)
            life.until(is_full)
            assert_nothing_twice(life)
        before = life.status()["posts"]["confirmed"]
        life.until(lambda status: status["posts"]["confirmed"] > before)
        assert_nothing_twice(life)
        assert life.stop() == 0
