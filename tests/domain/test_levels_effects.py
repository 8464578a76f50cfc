"""What each level does to each class of job: a test for every cell of the table."""

import doctest
from itertools import combinations

import pytest

from domain.jobs.spec import Kind
from domain.resources import effects as effects_module
from domain.resources.effects import Effects, Goes, InForce, Paused, Traits, Waits, in_force, on_job
from domain.resources.levels import BROWSER, COMPONENTS, DATABASE, REDIS, Level, Report, State, after, by_components

POSTING = Traits(Kind.CRITICAL, browser=True, publishes="posts")
REPLYING = Traits(Kind.CRITICAL, browser=True, publishes="replies")
CHECKING = Traits(Kind.CRITICAL)
PLANNING = Traits(Kind.CRITICAL, database=True)
LEARNING = Traits(Kind.NORMAL)
FOLLOWERS = Traits(Kind.NORMAL, browser=True)
SCRAPING = Traits(Kind.SCRAPING, browser=True)
BACKGROUND = Traits(Kind.BACKGROUND)
EVERY_JOB = [POSTING, REPLYING, CHECKING, PLANNING, LEARNING, FOLLOWERS, SCRAPING, BACKGROUND]


def failing(*components: str) -> InForce:
    """What is in force when these have failed, and nothing else weighs in."""
    return InForce(by_components(frozenset(components)), frozenset(components))


def by_order(level: Level) -> InForce:
    """A level that memory or the operator makes, with every component well."""
    return InForce(level, frozenset())


def test_the_example_in_the_documentation_is_true():
    assert doctest.testmod(effects_module) == (0, 8)


@pytest.mark.parametrize("job", EVERY_JOB)
def test_at_full_everything_goes_as_written(job):
    assert on_job(failing(), job) == Effects()


def test_what_is_in_force_is_read_from_the_state():
    state = State()
    for component in (DATABASE, BROWSER):
        state = after(state, Report(component, True), 0.0)
    assert in_force(state, 0.0) == failing(REDIS)


def test_reduced_without_redis_has_no_cache_and_everything_but_critical_slower():
    for job in EVERY_JOB:
        expected = 1.0 if job.kind is Kind.CRITICAL else 1.5
        assert on_job(failing(REDIS), job) == Effects(interval_factor=expected, cache=False)


def test_reduced_without_the_browser_makes_browser_jobs_wait_even_critical_ones():
    for job in EVERY_JOB:
        effects = on_job(failing(BROWSER), job)
        assert isinstance(effects.verdict, Waits if job.browser else Goes)
        assert effects.cache
        assert effects.interval_factor == (1.0 if job.kind is Kind.CRITICAL else 1.5)


def test_minimal_slows_scraping_by_3_and_pauses_background_jobs():
    now = failing(REDIS, BROWSER)
    assert on_job(now, SCRAPING).interval_factor == 3.0, "not 4.5: the largest factor counts"
    assert isinstance(on_job(now, BACKGROUND).verdict, Paused)


def test_minimal_keeps_what_reduced_does():
    now = failing(REDIS, BROWSER)
    assert on_job(now, LEARNING) == Effects(interval_factor=1.5, cache=False)
    assert on_job(now, CHECKING) == Effects(cache=False)
    assert isinstance(on_job(now, POSTING).verdict, Waits)


def test_emergency_lets_critical_jobs_go_without_the_database():
    effects = on_job(failing(DATABASE), CHECKING)
    assert effects == Effects(templates=True, database_waived=True)


def test_in_emergency_what_lives_from_the_database_is_paused_and_its_database_is_not_waived():
    effects = on_job(failing(DATABASE), PLANNING)
    assert isinstance(effects.verdict, Paused)
    assert not effects.database_waived


def test_an_emergency_that_is_only_pinned_lets_it_run_with_its_database():
    effects = on_job(by_order(Level.EMERGENCY), PLANNING)
    assert effects == Effects(templates=True)


def test_emergency_posts_a_third_as_often_from_the_journals_batch():
    effects = on_job(failing(DATABASE), POSTING)
    assert effects == Effects(interval_factor=3.0, templates=True, database_waived=True, from_journal=True)


def test_emergency_sends_no_replies():
    assert on_job(failing(DATABASE), REPLYING).verdict == Paused("emergency: no replies")


@pytest.mark.parametrize("job", [LEARNING, FOLLOWERS, SCRAPING, BACKGROUND])
def test_emergency_pauses_everything_else(job):
    assert on_job(failing(DATABASE), job).verdict == Paused("emergency: critical jobs only")


def test_emergency_with_the_browser_gone_too_makes_posting_wait():
    effects = on_job(failing(DATABASE, BROWSER), POSTING)
    assert isinstance(effects.verdict, Waits)
    assert effects.cache


def test_reduced_by_memory_or_pin_only_slows():
    for job in EVERY_JOB:
        assert on_job(by_order(Level.REDUCED), job) == Effects(1.0 if job.kind is Kind.CRITICAL else 1.5)


def test_minimal_by_memory_or_pin_slows_scraping_and_pauses_background_jobs_and_nothing_else():
    now = by_order(Level.MINIMAL)
    assert on_job(now, SCRAPING) == Effects(interval_factor=3.0)
    assert isinstance(on_job(now, BACKGROUND).verdict, Paused)
    for job in (POSTING, REPLYING, CHECKING, LEARNING, FOLLOWERS):
        assert on_job(now, job) == Effects()


def test_emergency_by_memory_or_pin_has_its_row():
    now = by_order(Level.EMERGENCY)
    assert on_job(now, POSTING) == on_job(failing(DATABASE), POSTING)
    assert isinstance(on_job(now, LEARNING).verdict, Paused)


def test_memory_below_a_failure_adds_its_row_to_the_failures_effects():
    now = InForce(Level.MINIMAL, frozenset({REDIS}))
    assert on_job(now, LEARNING) == Effects(interval_factor=1.5, cache=False), "by Redis"
    assert on_job(now, SCRAPING) == Effects(interval_factor=3.0, cache=False), "by memory"


def test_a_pin_above_the_failures_lifts_their_effects():
    for job in EVERY_JOB:
        assert on_job(InForce(Level.FULL, frozenset({REDIS, BROWSER, DATABASE})), job) == Effects()


def test_more_failures_never_let_more_go():
    for count in range(len(COMPONENTS)):
        for fewer in combinations(COMPONENTS, count):
            for one_more in set(COMPONENTS) - set(fewer):
                for job in EVERY_JOB:
                    before, later = on_job(failing(*fewer), job), on_job(failing(*fewer, one_more), job)
                    assert isinstance(before.verdict, Goes) or not isinstance(later.verdict, Goes)
                    assert later.interval_factor >= before.interval_factor
