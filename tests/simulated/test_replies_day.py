"""Hours of replies without a person, the tree in virtual time: as many as the caps allow, each to somebody else."""

from domain.calendar import DAY, HOUR
from domain.publishing.caps import Policy, fullest
from tests.simulated.house import House, home
from tests.simulated.verdict import rows

HOURS = 2.5  # calendar
SPEED = 10.0


def test_hours_of_replies_keep_the_caps_and_what_they_did_is_learned(empty_dsn: str) -> None:
    with home(empty_dsn, 7, SPEED, REPLIES="auto", SITE_URL="http://127.0.0.1:1") as place:
        house = House(place)
        house.boot()
        house.runtime.sleep(HOURS * HOUR / SPEED)
        sent = [post for post in place.site.network.storage.posts() if post.in_reply_to is not None]
        shown = {post.id: place.site.network.find(post.in_reply_to or 0, post.at) for post in sent}
        house.end()
    policy, times = Policy(), [post.at for post in sent]
    assert len(sent) >= 5
    for number, at in enumerate(times):
        others = [*times[:number], *times[number + 1 :]]
        assert fullest(others, at, HOUR) <= policy.replies_an_hour
        assert fullest(others, at, DAY) <= policy.replies_a_day
    answered = [parent.handle for parent in shown.values() if parent is not None]
    assert len(set(answered)) == len(sent), "one an author"
    query = "select author from opt_outs"
    assert not set(answered) & {str(author) for (author,) in rows(empty_dsn, query)}
    confirmed = rows(empty_dsn, "select site_id from posts where kind = 'reply' and state = 'confirmed' order by 1")
    assert {site_id for (site_id,) in confirmed} <= {post.id for post in sent}
    ((versions,),) = rows(empty_dsn, "select count(*) from models where kind = 'replies'")
    assert int(str(versions)) >= 1
