"""Admission: one answer, with every reason."""

import doctest
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from domain.jobs.spec import Kind
from domain.resources import admission
from domain.resources.admission import (
    MAY_BE_MISSING,
    Admitted,
    Budget,
    Candidate,
    Dependency,
    Pool,
    Reason,
    Situation,
    Skipped,
    Why,
    admit,
)
from domain.resources.effects import InForce, Traits
from domain.resources.levels import COMPONENTS, Level, by_components

FULL = InForce(Level.FULL, frozenset())
EMERGENCY = InForce(Level.EMERGENCY, frozenset({"database"}))
POOLS = {"browser": Pool(3), "database": Pool(10), "redis": Pool(5), "model": Pool(2)}
WELL = Situation(FULL, POOLS)
POSTING = Candidate(Traits(Kind.CRITICAL, browser=True, publishes="posts"), 0, Budget(browser=1, database=1))
SCRAPER = Candidate(Traits(Kind.SCRAPING, browser=True), 1, Budget(browser=1, database=1, redis=1))
PLAN = Candidate(Traits(Kind.CRITICAL), 0, Budget(database=1, redis=1, model=1))
ANALYSIS = Candidate(Traits(Kind.BACKGROUND), 6, Budget(database=1, model=1), needs=frozenset({"model"}))


def with_pool(name: str, pool: Pool) -> Situation:
    return replace(WELL, pools={**POOLS, name: pool})


def reasons(candidate: Candidate, situation: Situation) -> list[Why]:
    answer = admit(candidate, situation)
    assert isinstance(answer, Skipped)
    return [reason.why for reason in answer.reasons]


def admitted(candidate: Candidate, situation: Situation) -> Admitted:
    answer = admit(candidate, situation)
    assert isinstance(answer, Admitted), str(answer)
    return answer


def test_the_example_in_the_documentation_is_true():
    assert doctest.testmod(admission) == (0, 5)


def test_when_all_is_well_a_run_goes_with_its_whole_budget():
    answer = admitted(SCRAPER, WELL)
    assert (answer.budget, answer.missing, answer.effects.interval_factor) == (SCRAPER.budget, (), 1.0)


def test_everything_that_is_against_a_run_is_in_the_one_answer():
    situation = Situation(
        in_force=InForce(Level.REDUCED, frozenset({"browser"})),
        pools={"browser": Pool(0), "database": Pool(10, breaker="open for 3 s"), "redis": Pool(5)},
        dependencies=(Dependency("plan", needed=True, unhealthy="has not succeeded yet"),),
        flags=("SCRAPING_DISABLED is set",),
        paused="by the operator",
        memory_free=0,
    )
    assert reasons(replace(SCRAPER, memory=1), situation) == [
        Why.PAUSED,
        Why.FLAG,
        Why.DEPENDENCY,
        Why.BUDGET,
        Why.BREAKER,
        Why.MEMORY,
    ]


def test_a_pause_and_a_flag_say_who_set_them():
    answer = admit(POSTING, replace(WELL, paused="by the operator", flags=("POSTING_DISABLED is set",)))
    assert str(answer) == "paused by the operator; POSTING_DISABLED is set"


def test_a_needed_job_that_is_unhealthy_skips_the_run_and_an_optional_one_is_noted():
    ill = Dependency("plan", needed=True, unhealthy="has not succeeded yet")
    assert reasons(POSTING, replace(WELL, dependencies=(ill,))) == [Why.DEPENDENCY]
    optional = replace(ill, needed=False)
    assert admitted(POSTING, replace(WELL, dependencies=(optional,))).missing == (
        "without plan: has not succeeded yet",
    )
    healthy = Dependency("plan", needed=True)
    assert admitted(POSTING, replace(WELL, dependencies=(healthy,))).missing == ()


def test_a_pool_that_is_down_is_one_reason_whatever_follows_from_it():
    fallen = Pool(0, waiting=9, crowd=6, down="restarting", opening=True, breaker="open for another 4.0 s")
    for candidate in (POSTING, SCRAPER):
        answer = admit(candidate, with_pool("browser", fallen))
        assert answer == Skipped((Reason(Why.POOL, "browser: down (restarting)"),))


def test_an_order_of_the_operator_is_a_reason_beside_an_outage_since_it_would_outlast_it():
    held = Pool(3, down="restarting", held="the operator holds its breaker open")
    assert reasons(POSTING, with_pool("browser", held)) == [Why.BREAKER, Why.POOL]
    assert reasons(SCRAPER, with_pool("browser", Pool(3, waiting=9, crowd=6, held="held"))) == [Why.BREAKER]


def test_a_level_is_no_reason_of_its_own_where_the_outage_that_makes_it_is_named():
    down = with_pool("browser", Pool(3, down="gone"))
    reduced = replace(down, in_force=InForce(Level.REDUCED, frozenset({"browser"})))
    assert reasons(SCRAPER, reduced) == [Why.POOL]
    settling = replace(WELL, in_force=reduced.in_force)
    assert reasons(SCRAPER, settling) == [Why.LEVEL], "the browser is back, and not trusted yet"
    short_of_memory = replace(down, in_force=InForce(Level.MINIMAL, frozenset({"browser"})))
    background = replace(ANALYSIS, budget=Budget(browser=1))
    assert reasons(background, short_of_memory) == [Why.LEVEL, Why.POOL], "the level is not the browser's doing alone"
    other = replace(down, in_force=InForce(Level.EMERGENCY, frozenset({"browser", "database"})))
    assert reasons(replace(SCRAPER, budget=Budget(browser=1)), other) == [Why.LEVEL, Why.POOL]


def test_a_required_job_that_waits_for_the_same_outage_is_no_reason_beside_it():
    waits = Dependency("metrics_scraper", True, "has not succeeded for 3 h", waits_for=frozenset({"database"}))
    down = replace(with_pool("database", Pool(10, down="gone")), dependencies=(waits,))
    assert reasons(ANALYSIS, down) == [Why.POOL]
    elsewhere = replace(down, dependencies=(replace(waits, waits_for=frozenset({"browser"})),))
    assert reasons(ANALYSIS, elsewhere) == [Why.DEPENDENCY, Why.POOL]


def test_redis_and_the_model_may_be_missing_and_the_run_is_told():
    situation = replace(WELL, pools={**POOLS, "redis": Pool(5, down="refused"), "model": Pool(2, breaker="open")})
    assert admitted(PLAN, situation).missing == ("without redis: down (refused)", "without model: open")


def test_a_job_that_is_about_the_model_does_not_go_without_it():
    assert reasons(ANALYSIS, with_pool("model", Pool(2, breaker="open"))) == [Why.BREAKER]


def test_a_budget_above_what_the_pool_has_now_skips_the_run():
    assert reasons(POSTING, with_pool("browser", Pool(0))) == [Why.BUDGET]


def test_a_full_pool_is_no_reason_but_a_hopeless_queue_is_except_for_priority_0():
    assert admitted(SCRAPER, with_pool("browser", Pool(3, waiting=5, crowd=6)))
    assert reasons(SCRAPER, with_pool("browser", Pool(3, waiting=6, crowd=6))) == [Why.POOL]
    assert admitted(POSTING, with_pool("browser", Pool(3, waiting=99, crowd=6)))


def test_a_resource_that_nobody_knows_skips_the_run():
    assert reasons(POSTING, replace(WELL, pools={"database": Pool(10)})) == [Why.POOL]


def test_in_emergency_a_critical_run_goes_without_the_database_even_though_that_is_down():
    situation = replace(with_pool("database", Pool(10, down="gone", breaker="open")), in_force=EMERGENCY)
    answer = admitted(POSTING, situation)
    assert answer.budget == Budget(browser=1)
    assert answer.effects.from_journal


def test_in_emergency_a_critical_run_that_lives_from_the_database_is_skipped_and_does_not_fail():
    situation = replace(with_pool("database", Pool(10, down="gone")), in_force=EMERGENCY)
    plan = replace(PLAN, traits=replace(PLAN.traits, database=True))
    assert reasons(plan, situation) == [Why.POOL]


def test_a_resource_that_has_not_been_up_since_the_boot_is_a_reason_to_wait():
    answer = admit(POSTING, with_pool("browser", Pool(0, opening=True)))
    assert isinstance(answer, Skipped)
    assert answer.reasons[0] == Reason(Why.POOL, "browser: opening")


def test_an_optional_resource_that_is_opening_is_gone_without():
    assert admitted(PLAN, with_pool("redis", Pool(5, opening=True))).missing == ("without redis: opening",)


def test_in_emergency_other_runs_are_skipped_for_what_is_broken_or_for_the_level_where_they_do_not_use_it():
    situation = replace(with_pool("database", Pool(10, down="gone")), in_force=EMERGENCY)
    assert reasons(SCRAPER, situation) == [Why.POOL]
    assert reasons(replace(SCRAPER, budget=Budget(browser=1)), situation) == [Why.LEVEL]


def test_background_work_stops_when_memory_says_so_and_nothing_else_does():
    situation = replace(WELL, background_stopped=True)
    assert reasons(ANALYSIS, situation) == [Why.MEMORY]
    assert admitted(POSTING, situation)


def test_a_run_that_needs_more_memory_than_is_left_is_skipped_with_the_numbers():
    answer = admit(replace(POSTING, memory=80 << 20), replace(WELL, memory_free=64 << 20))
    assert str(answer) == "memory: it needs 80 MiB and 64 MiB are left below the limit"
    assert admitted(replace(POSTING, memory=64 << 20), replace(WELL, memory_free=64 << 20))
    assert admitted(replace(POSTING, memory=1 << 40), WELL), "no limit is known"


def test_a_run_that_names_no_need_of_memory_goes_also_past_the_limit():
    assert admitted(POSTING, replace(WELL, memory_free=-(64 << 20))), "or what relieves memory would wait for relief"


POOL = st.builds(
    Pool,
    capacity=st.integers(0, 3),
    waiting=st.integers(0, 3),
    crowd=st.integers(1, 3),
    down=st.none() | st.just("down"),
    opening=st.booleans(),
    breaker=st.none() | st.just("open"),
)


@given(st.sampled_from([POSTING, SCRAPER, PLAN, ANALYSIS]), st.sampled_from(sorted(POOLS)), POOL, st.booleans())
def test_one_outage_is_at_most_one_reason_whatever_it_looks_like(candidate, name, pool, required):
    """However the pool is broken, whatever the level makes of it, and whoever else waits for it."""
    failed = frozenset({name} & set(COMPONENTS)) if pool.is_out() else frozenset()
    waits = Dependency("scraper", required, "has not succeeded yet", frozenset({name}))
    situation = replace(
        with_pool(name, pool),
        in_force=InForce(by_components(failed), failed),
        dependencies=(waits,) if pool.is_out() and getattr(candidate.budget, name) else (),
    )
    optional = name in MAY_BE_MISSING - candidate.needs
    if optional:
        situation = replace(situation, dependencies=())
    answer = admit(candidate, situation)
    assert len(answer.reasons if isinstance(answer, Skipped) else ()) <= 1


@given(
    st.sampled_from([POSTING, SCRAPER, PLAN, ANALYSIS]),
    st.fixed_dictionaries(dict.fromkeys(POOLS, POOL)),
    st.none() | st.just("by hand"),
)
def test_what_is_mended_takes_its_own_reasons_away_and_no_others(candidate, pools, paused):
    before = admit(candidate, Situation(FULL, pools, paused=paused))
    after = admit(candidate, Situation(FULL, POOLS, paused=paused))
    by_order = [Why.PAUSED] * (paused is not None)
    assert [reason.why for reason in after.reasons] == by_order if by_order else isinstance(after, Admitted)
    if isinstance(before, Admitted):
        assert not by_order
        assert before.budget == candidate.budget
    else:
        assert len(set(before.reasons)) == len(before.reasons)
        assert [reason.why for reason in before.reasons][: len(by_order)] == by_order
