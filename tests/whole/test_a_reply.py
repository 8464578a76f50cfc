"""Replies for real: found, drafted, approved by a person, published once; and none to who asked for peace."""

from pathlib import Path
from typing import Any

from tests.whole.roost import Roost, roost

SETTINGS = {
    "REPLIES": "approval",
    "THREADS": "no",  # whose parts are replies too
    "SPEED": "30",  # slow enough to leave the browser to the jobs that this is about
    "MEMORY_LIMIT_MB": "2048",  # nor is it about a browser that is recycled
    "JOBS_HARVESTER_INTERVAL_MIN": "5",
    "JOBS_REPLY_POSTING_INTERVAL_MIN": "3",
}


def replies_on_site(life: Roost) -> list[dict[str, Any]]:
    return [post for post in life.on_site() if post["in_reply_to"]]


def test_a_reply_goes_out_once_when_a_person_approved_it_and_none_to_who_opted_out(tmp_path: Path) -> None:
    with roost(tmp_path / "home", **SETTINGS) as life:
        life.until(lambda status: status["posts"].get("waiting_for_approval", 0) >= 2)
        first, second = life.ctl("queue")["waiting_for_approval"][:2]
        assert replies_on_site(life) == []
        assert life.ctl("optout", second["answers"]) == {"author": second["answers"], "ended": [second["id"]]}
        assert life.ctl("post", str(first["id"]), "approve") == {"post": first["id"], "state": "planned"}

        life.until(lambda status: life.ctl("post", str(first["id"]))["state"] == "confirmed")
        runs = life.status()["jobs"]["reply_posting"]["succeeded"] + 2
        life.until(lambda status: status["jobs"]["reply_posting"]["succeeded"] >= runs)

        audit = life.ctl("post", str(first["id"]))
        (on_site,) = replies_on_site(life)
        assert (on_site["id"], on_site["in_reply_to"]) == (audit["site_id"], audit["parent_site_id"])
        assert on_site["text"] == audit["body"]
        assert [event["event"] for event in audit["trail"]] == ["queued", "approved", "claimed", "armed", "confirmed"]
        spared = life.ctl("post", str(second["id"]))
        assert (spared["state"], spared["failure"]) == ("failed_definite", "the author opted out of replies")
        assert life.status()["replying"]["opportunities"]["open"] > 0
