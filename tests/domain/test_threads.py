"""When a plan is a thread, and what of."""

import random

from domain.content import checks, templates, threads
from domain.content.topics import FORMATS, TONES, TOPICS
from domain.publishing.uniqueness import text_hash


def test_a_thread_begins_with_what_was_chosen_and_goes_on_in_other_forms() -> None:
    for chosen, rest in threads.FOLLOWED_BY.items():
        assert chosen in FORMATS
        assert len({chosen, *rest}) == 1 + len(rest)
        assert set(rest) <= set(FORMATS)


def test_one_of_six_plans_that_can_go_on_does() -> None:
    chance = random.Random(1)
    found = [len(threads.formats("story", True, chance)) > 1 for _ in range(6_000)]
    assert 850 < sum(found) < 1150


def test_no_thread_where_they_are_switched_off_or_one_post_says_it_all() -> None:
    chance = random.Random(1)
    assert all(threads.formats("story", False, chance) == ("story",) for _ in range(100))
    assert all(threads.formats("question", True, chance) == ("question",) for _ in range(100))


def test_the_parts_of_a_thread_by_template_pass_the_checks_together() -> None:
    chance = random.Random(2)
    for topic in TOPICS:
        for tone in TONES:
            for chosen, rest in threads.FOLLOWED_BY.items():
                texts: list[str] = []
                for form in (chosen, *rest):
                    recent = checks.Recent(frozenset(map(text_hash, texts)), tuple(texts))
                    part = templates.write(topic, form, tone, recent.hashes, chance)
                    assert isinstance(part, templates.Written)
                    assert isinstance(checks.check(part.text, recent), checks.Accepted)
                    texts.append(part.text)
