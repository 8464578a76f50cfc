"""Whom to answer, which of them first, and what with."""

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.calendar import DAY, HOUR
from domain.content import checks, prompts
from domain.publishing.caps import Policy
from domain.replies import accounts, courtesy, pace, styles
from domain.replies.opportunities import (
    FRESH_FOR,
    MOST,
    Answered,
    Fit,
    Neighbourhood,
    Opportunity,
    Sighting,
    Unfit,
    best,
    faded,
    judge,
    score,
    surplus,
)

NOW = 1_800_000_000.0
AROUND = Neighbourhood(own="roost", opted_out=frozenset({"wren_lover"}), answered=frozenset({77}))
GOOD = Sighting(1, "ada_walks", "What helps you to fall asleep on a loud night?", NOW - HOUR, views=500, likes=9)


def test_a_fresh_post_on_a_topic_that_people_like_may_be_answered() -> None:
    assert judge(GOOD, AROUND, NOW) == Fit("sleep", 1.0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"author": "ROOST"}, "own"),
        ({"author": "Wren_Lover"}, "opted_out"),
        ({"text": "Sleep tips for my bed. Please no bots."}, "wants_no_replies"),
        ({"text": "I cannot sleep since my father died."}, "touchy"),
        ({"id": 77}, "answered"),
        ({"reply_to": "ben_sleeps"}, "not_a_root"),
        ({"is_repost": True}, "not_a_root"),
        ({"at": NOW - FRESH_FOR}, "stale"),
        ({"at": NOW + 1}, "stale"),
        ({"text": "Heute Nacht wieder schlecht geschlafen, sleep"}, "language"),
        ({"likes": 1}, "engagement"),
        ({"text": "What is the best album of the year?"}, "topic"),
    ],
)
def test_a_post_is_left_alone_for_a_reason(change: dict[str, object], code: str) -> None:
    assert judge(replace(GOOD, **change), AROUND, NOW) == Unfit(code)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "Coach. Please no bots and no automated replies.",
        "DON’T REPLY to this, I just need to say it",
        "bots get blocked",
        "I want to opt out",
        "stop replying to me",
        "unsubscribe",
    ],
)
def test_who_asks_to_be_left_alone_is_heard(text: str) -> None:
    assert courtesy.wants_no_replies(text)


@pytest.mark.parametrize(
    "text", ["Stop guessing! Walk more.", "My robot vacuum sleeps at night", "How do you stop scrolling in bed?"]
)
def test_not_every_stop_is_meant_for_us(text: str) -> None:
    assert not courtesy.wants_no_replies(text)


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("Try a cool dark bedroom before you buy anything for your sleep.", True),
        ("Schlafen Sie gut, und trinken Sie weniger Kaffee am Abend.", False),
        ("Dormir bien es la mejor medicina para el estrés", False),
        ("Le sommeil est la meilleure des habitudes", False),
        ("よく眠るために、the phone を置く", False),
        ("", False),
        ("!!! 123", False),
    ],
)
def test_english_is_told_by_letters_and_short_words(text: str, english: bool) -> None:
    assert courtesy.is_english(text) == english


@given(some.text())
def test_any_text_can_be_read(text: str) -> None:
    courtesy.is_english(text)
    courtesy.is_touchy(text)
    courtesy.wants_no_replies(text)


counts = some.integers(0, 10**7)
sightings = some.builds(
    Sighting,
    id=some.integers(1, 2**62),
    author=some.sampled_from(["ada_walks", "ben_sleeps", "roost", "wren_lover"]),
    text=some.sampled_from([GOOD.text, "Stretch your back between calls, it helps.", "no bots here", "Hallo Welt"]),
    at=some.floats(NOW - 3 * DAY, NOW + HOUR),
    views=counts,
    likes=counts,
    replies=counts,
    reposts=counts,
    bookmarks=counts,
    reply_to=some.none() | some.just("ada_walks"),
)
FIT = Fit("sleep", 0.8)


@given(sightings, some.floats(0, 5 * DAY))
def test_whatever_is_judged_fit_is_fresh_english_and_a_strangers(seen: Sighting, later: float) -> None:
    now = NOW + later
    if isinstance(judge(seen, AROUND, now), Fit):
        assert 0 <= now - seen.at < FRESH_FOR
        assert courtesy.is_english(seen.text)
        assert seen.author not in ("roost", "wren_lover")


@given(sightings, counts, some.none() | some.integers(0, 10**8))
def test_more_engagement_never_scores_less(seen: Sighting, more: int, followers: int | None) -> None:
    liked = replace(seen, likes=seen.likes + more)
    assert score(liked, FIT, followers, NOW) >= score(seen, FIT, followers, NOW) > 0


@given(sightings, some.floats(0, 2 * DAY))
def test_an_older_post_never_scores_more(seen: Sighting, older: float) -> None:
    seen = replace(seen, at=min(seen.at, NOW))
    assert score(replace(seen, at=seen.at - older), FIT, 10, NOW) <= score(seen, FIT, 10, NOW)


@given(sightings, some.integers(0, 10**7), some.integers(0, 10**7))
def test_a_larger_audience_never_scores_less(seen: Sighting, some_followers: int, more: int) -> None:
    assert score(seen, FIT, some_followers + more, NOW) >= score(seen, FIT, some_followers, NOW)


def opportunity(number: int, author: str, worth: float, age: float = HOUR) -> Opportunity:
    return Opportunity(number, author, GOOD.text, NOW - age, "sleep", worth, NOW)


pools = some.lists(
    some.builds(
        opportunity,
        some.integers(1, 10**6),
        some.sampled_from([f"author_{number}" for number in range(30)]),
        some.floats(0.001, 50),
        some.floats(0, 30 * HOUR),
    ),
    max_size=60,
    unique_by=lambda each: each.id,
)


@given(pools, some.floats(0, DAY))
def test_waiting_never_changes_which_is_better(pool: list[Opportunity], wait: float) -> None:
    before = sorted(pool, key=lambda each: (-each.worth(NOW), each.id))
    for better, worse in itertools.pairwise(before):
        assert better.worth(NOW + wait) >= worse.worth(NOW + wait) * (1 - 1e-9)


@given(some.floats(0, 100), some.floats(0, DAY), some.floats(0, DAY))
def test_fading_in_two_steps_is_fading_at_once(value: float, one: float, two: float) -> None:
    assert faded(faded(value, one), two) == pytest.approx(faded(value, one + two))


@given(pools, some.integers(0, 40))
def test_the_pool_keeps_the_best_of_the_fresh_and_no_more_than_its_size(pool: list[Opportunity], most: int) -> None:
    opted_out = {"author_3"}
    gone = set(surplus(pool, opted_out, NOW, most))
    kept = [each for each in pool if each.id not in gone]
    assert gone <= {each.id for each in pool}
    assert len(kept) <= most
    assert all(NOW - each.at < FRESH_FOR and each.author not in opted_out for each in kept)
    fresh = [each for each in pool if NOW - each.at < FRESH_FOR and each.author not in opted_out]
    assert len(kept) == min(most, len(fresh))
    dropped = [each.worth(NOW) for each in fresh if each.id in gone]
    assert not dropped or not kept or max(dropped) <= min(each.worth(NOW) for each in kept)
    assert surplus(kept, opted_out, NOW, most) == ()


def test_the_pool_holds_three_hundred() -> None:
    pool = [opportunity(number, f"author_{number}", 1.0 + number) for number in range(320)]
    assert surplus(pool, (), NOW) == tuple(range(20))
    assert MOST == 300


@given(pools, some.integers(0, 10), some.sets(some.integers(0, 29).map("author_{}".format)))
def test_the_best_are_fresh_one_an_author_and_nobody_answered_lately(
    pool: list[Opportunity], count: int, answered: set[str]
) -> None:
    threads = frozenset(each.id for each in pool[:3])
    chosen = best(pool, Answered(frozenset(answered), threads), {"Author_5"}, NOW, count)
    authors = [each.author for each in chosen]
    assert len(chosen) <= count
    assert len(set(authors)) == len(authors)
    assert not set(authors) & (answered | {"author_5"})
    assert not {each.id for each in chosen} & threads
    assert all(NOW - each.at < FRESH_FOR for each in chosen)
    assert list(chosen) == sorted(chosen, key=lambda each: (-each.worth(NOW), each.id))


def test_what_was_learned_of_a_target_can_turn_the_order() -> None:
    pool = [opportunity(1, "ada", 2.0), opportunity(2, "ben", 1.5)]
    (first,) = best(pool, Answered(), (), NOW, 1, promise=lambda each: 2.0 if each.author == "ben" else 1.0)
    assert first.author == "ben"


times = some.lists(some.floats(NOW - 2 * DAY, NOW), max_size=30)


@given(times, some.integers(0, 30), some.integers(0, 30), some.booleans())
def test_drafts_and_what_waits_never_pass_the_caps(
    charged: list[float], ready: int, waiting: int, asks: bool
) -> None:
    policy = Policy()
    count = pace.to_draft(charged, ready, waiting, asks=asks, policy=policy, now=NOW)
    today = sum(at > NOW - DAY for at in charged)
    assert 0 <= count <= pace.AT_ONCE
    if count:
        assert today + ready + count <= policy.replies_a_day
        if asks:
            assert waiting + count <= pace.MOST_WAITING
        else:
            assert sum(at > NOW - HOUR for at in charged) + ready + count <= policy.replies_an_hour


@pytest.mark.parametrize("style", styles.STYLES)
@pytest.mark.parametrize("topic", styles.PARTS)
def test_every_style_has_replies_about_every_topic_that_differ_and_pass_the_checks(topic: str, style: str) -> None:
    rng = random.Random(f"{topic}{style}")
    recent = checks.Recent(frozenset(), (GOOD.text,))
    for _ in range(8):
        written = styles.write(topic, style, recent, rng)
        assert isinstance(written, styles.Written), written
        recent = checks.Recent({*recent.hashes, written.hash}, (*recent.texts, written.text))


def test_templates_that_are_used_up_are_said_to_be() -> None:
    class All:
        def __contains__(self, item: object) -> bool:
            return True

    assert isinstance(styles.write("sleep", "tip", checks.Recent(All()), random.Random(1)), styles.NoneLeft)  # type: ignore[arg-type]


handles = some.sampled_from(["Ada", "ada", "ben", "Cleo", "dario", "emma"])


@given(
    some.lists(handles, max_size=20),
    some.sets(handles),
    some.dictionaries(handles.map(str.casefold), some.floats(NOW - 20 * DAY, NOW)),
    some.integers(0, 6),
)
def test_accounts_are_looked_at_once_and_not_again_within_a_week(
    seen: list[str], wanted: set[str], known: dict[str, float], limit: int
) -> None:
    found = accounts.to_look_at(seen, wanted, known, NOW, limit)
    names = [handle.casefold() for handle in found]
    assert len(found) <= limit
    assert len(set(names)) == len(names)
    assert all(NOW - known.get(name, 0.0) >= accounts.LOOK_AGAIN for name in names)
    new = [name in known for name in names]
    assert new == sorted(new), "those never looked at come first"


def test_an_account_is_about_what_most_of_its_posts_are_about() -> None:
    texts = ["A nap before three", "Bed at ten, every night", "A walk after lunch", "New album on repeat"]
    assert accounts.about(texts) == ("sleep", 0.5)
    assert accounts.about(["New album on repeat"]) == (None, 0.0)
    assert accounts.about([]) == (None, 0.0)


@pytest.mark.parametrize(
    ("answer", "said"),
    [('{"posts": []}', True), ('```json\n{"posts": []}\n```', True), ('{"posts": [{}]}', False), ("no", False)],
)
def test_an_empty_list_is_the_models_way_to_say_nothing(answer: str, said: bool) -> None:
    assert prompts.declined(answer) == said


@given(some.text())
def test_any_answer_can_be_asked_whether_it_declines(answer: str) -> None:
    assert prompts.declined(answer) in (True, False)


@given(some.text(max_size=200), some.sampled_from(sorted(styles.STYLES)))
def test_what_is_answered_stands_in_the_prompt_as_data_alone(text: str, style: str) -> None:
    prompt = prompts.reply_prompt(text, "ada_walks", "n0nce-of-this-one", styles.STYLES[style].hint)
    assert styles.STYLES[style].hint in prompt.system
    head, _, rest = prompt.user.partition("<<<data n0nce-of-this-one\n")
    assert head == "The post, and who wrote it:\n"
    assert rest.endswith("\nn0nce-of-this-one data>>>")
    assert rest.count("n0nce-of-this-one") == 1
