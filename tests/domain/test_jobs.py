"""The rules of jobs: registry, order, schedule, health, watchdog, retries."""

import math
import random
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import HOUR, MINUTE, minutes
from domain.jobs import graph, health, retries, schedule
from domain.jobs.spec import Holds, JobSpec, Kind, Requirement

POOLS = Holds(browser=3, database=10, redis=5, model=2)


def job(name: str, every: float = minutes(10), requires: tuple[str, ...] = (), **rest: object) -> JobSpec:
    values: dict[str, object] = {"priority": 3, "kind": Kind.NORMAL, **rest}
    return JobSpec(name, every, requires=requires, **values)  # type: ignore[arg-type]


def test_a_requirement_is_a_name_and_a_mark():
    assert Requirement.parse("posting~") == Requirement("posting", needed=False)
    assert Requirement.parse("metrics_scraper!") == Requirement("metrics_scraper", needed=True)


@pytest.mark.parametrize("text", ["", "!", "posting", "posting?", "two words~", "~posting"])
def test_a_malformed_requirement_says_what_is_expected(text: str):
    with pytest.raises(ValueError, match="expected a job's name and a mark"):
        Requirement.parse(text)


def test_every_mistake_of_a_registry_is_listed_in_one_error():
    specs = [
        job("plan"),
        job("plan"),
        job("greedy", holds=Holds(browser=4, database=11)),
        job("forgetful", needs=("database",)),
        job("lonely", requires=("nobody~",)),
        job("malformed", requires=("plan",)),
        job("never", every=0.0, priority=11),
        job("a", requires=("b~",)),
        job("b", requires=("a!",)),
        job("c", requires=("c~",)),
    ]
    with pytest.raises(graph.RegistryError) as raised:
        graph.validated(specs, POOLS)
    text = str(raised.value)
    for part in (
        "plan: registered 2 times",
        "forgetful: needs database, but holds none of it",
        "greedy: holds 4 of browser, but its pool has 3",
        "greedy: holds 11 of database",
        "lonely: requires nobody, which is not registered",
        "malformed: requirement 'plan'",
        "never: every must be above 0",
        "never: priority must be 0 to 10",
        "cycle: c is required by c",
    ):
        assert part in text
    assert any(problem.startswith("cycle") and "a" in problem and "b" in problem for problem in raised.value.problems)
    assert len(raised.value.problems) == 10


@st.composite
def registries(draw: st.DrawFn) -> list[JobSpec]:
    size = draw(st.integers(1, 12))
    specs = []
    for number in range(size):
        required = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        marks = tuple(f"job_{other}{draw(st.sampled_from('!~'))}" for other in sorted(required))
        specs.append(
            job(
                f"job_{number}",
                every=minutes(draw(st.sampled_from([5, 10, 15, 20, 30, 60, 90, 120, 360]))),
                requires=marks,
                priority=draw(st.integers(0, 10)),
                offset=draw(st.sampled_from([0.0, 0.0, 120.0])),
                holds=Holds(browser=draw(st.integers(0, 1))),
                category=draw(st.sampled_from(["metrics", "background"])),
                browser_seconds=draw(st.sampled_from([60.0, 120.0, 240.0])),
            )
        )
    return draw(st.permutations(specs))


@given(registries())
def test_what_a_job_requires_comes_before_it_in_the_boot_round(specs: list[JobSpec]):
    order = graph.validated(specs, POOLS)
    assert sorted(spec.name for spec in order) == sorted(spec.name for spec in specs)
    offsets = schedule.boot_offsets(order)
    seen: set[str] = set()
    for spec in order:
        assert {required.job for required in spec.requirements} <= seen
        assert all(offsets[required.job] < offsets[spec.name] for required in spec.requirements)
        assert offsets[spec.name] >= spec.offset
        seen.add(spec.name)


@given(registries())
def test_no_two_browser_jobs_ever_start_together_at_full_level(specs: list[JobSpec]):
    order = graph.validated(specs, POOLS)
    offsets = schedule.boot_offsets(order)
    browser = [spec for spec in order if spec.holds.browser]
    starts = sorted(
        offsets[spec.name] + turn * spec.every for spec in browser for turn in range(int(8 * HOUR / spec.every))
    )
    slot = 5 * MINUTE / max(1, len(browser))
    assert all(later - earlier >= slot - 1e-6 for earlier, later in pairwise(starts))


@given(
    grid=st.floats(0, 2e9),
    interval=st.floats(1, 1e6),
    late=st.floats(0, 1e7),
    seed=st.integers(0, 1000),
)
def test_the_next_start_is_one_still_to_come_on_the_same_grid(grid: float, interval: float, late: float, seed: int):
    now = grid + late
    tick = schedule.next_tick(grid, interval, now, random.Random(seed))
    assert now < tick.grid <= now + interval + 1e-3
    assert tick.grid == pytest.approx(grid + (tick.missed + 1) * interval, rel=1e-9)
    assert tick.grid <= tick.at <= tick.grid + schedule.jitter_most(interval)


@given(down=st.floats(0, 1e6), seed=st.integers(0, 100))
def test_downtime_is_caught_up_by_one_run_not_by_a_burst(down: float, seed: int):
    rng, boot = random.Random(seed), 1e9 + down
    spec = job("plan", every=600.0)
    tick = schedule.first_tick(spec, boot, 30.0, last_start=1e9, interval=600.0, rng=rng)
    assert tick.grid == max(boot + 30.0, 1e9 + 600.0)
    assert tick.missed == int(down // 600.0)
    following = schedule.next_tick(tick.grid, 600.0, tick.at, rng)
    assert following.grid == tick.grid + 600.0
    assert following.missed == 0


@given(registries(), st.data())
def test_nor_do_they_after_a_restart_however_long_ago_each_ran(specs: list[JobSpec], data: st.DataObject):
    order = graph.validated(specs, POOLS)
    offsets, steps, boot = schedule.boot_offsets(order), schedule.boot_steps(order), 1e6
    browser = [spec for spec in order if spec.holds.browser]
    starts: list[float] = []
    for spec in browser:
        ago = data.draw(st.floats(0, 2 * spec.every))
        step = steps[spec.name]
        tick = schedule.first_tick(
            spec, boot, offsets[spec.name], boot - ago, spec.every, random.Random(0), step=step
        )
        earliest = boot + offsets[spec.name]
        due = max(earliest, boot - ago + spec.every)
        assert earliest <= tick.grid
        assert abs(tick.grid - due) <= step / 2 + 1e-6
        assert tick.grid <= max(earliest, boot + 1.5 * spec.every) + 1e-6, "the watchdog would miss it"
        starts += (tick.grid + turn * spec.every for turn in range(int(8 * HOUR / spec.every)))
    slot = 5 * MINUTE / max(1, len(browser))
    assert all(later - earlier >= slot - 1e-3 for earlier, later in pairwise(sorted(starts)))


@given(registries(), st.data())
def test_after_a_restart_jobs_of_one_category_are_as_far_apart_as_before(specs: list[JobSpec], data: st.DataObject):
    order = graph.validated(specs, POOLS)
    offsets, steps = schedule.boot_offsets(order), schedule.boot_steps(order)
    grids = {}
    for spec in order:
        if spec.holds.browser:
            last, step = -data.draw(st.floats(0, 2 * spec.every)), steps[spec.name]
            tick = schedule.first_tick(spec, 0.0, offsets[spec.name], last, spec.every, random.Random(0), step=step)
            grids[spec.name] = tick.grid
            assert spec.every % step == 0, "it would drift"
    for one, other in combinations([spec for spec in order if spec.holds.browser], 2):
        if one.category == other.category:
            meeting = math.gcd(round(one.every), round(other.every))
            moved = (grids[one.name] - offsets[one.name]) - (grids[other.name] - offsets[other.name])
            assert moved / meeting == pytest.approx(round(moved / meeting), abs=1e-6)


def test_jobs_that_share_a_reserve_start_where_most_time_is_between_them():
    def browsing(name: str, every: float, category: str, seconds: float = 60.0) -> JobSpec:
        return job(name, every=every, holds=Holds(browser=1), category=category, browser_seconds=seconds)

    others = [browsing(f"other_{number}", 300.0, "other") for number in range(7)]
    order = [browsing("often", 300.0, "posting"), browsing("seldom", 900.0, "posting", seconds=120.0), *others]
    offsets = schedule.boot_offsets(order)
    # Nine places, 33.3 s apart. From the fourth there are 73 s since the one's hold, and 47 s to its next start.
    assert offsets["seldom"] - offsets["often"] == pytest.approx(4 * 300.0 / 9)


@given(grid=st.floats(0, 2e9), interval=st.floats(10, 1e6), share=st.floats(0, 1), twice=st.booleans())
def test_an_extra_start_leaves_the_grid_where_it_is(grid: float, interval: float, share: float, twice: bool):
    rng, following = random.Random(0), schedule.Tick(grid, grid)
    extra = schedule.sooner(following, interval, grid - share * interval)
    if twice:
        extra = schedule.sooner(extra, interval, extra.at - 1)
    after = schedule.next_tick(extra.grid, interval, extra.at, rng)
    assert (after.grid - grid) % interval == pytest.approx(0, abs=1e-3) or (
        after.grid - grid
    ) % interval == pytest.approx(interval, abs=1e-3)
    assert after.grid > extra.at


def test_a_job_that_never_ran_starts_after_its_offset():
    tick = schedule.first_tick(job("plan"), 1000.0, 45.0, None, 600.0, random.Random(1))
    assert tick.grid == 1045.0


def test_the_operators_interval_replaces_the_specs_and_the_levels_factor_holds_for_both():
    assert schedule.interval_in_force(600.0, 1.5, None) == 900.0
    assert schedule.interval_in_force(600.0, 1.5, 60.0) == 90.0
    with pytest.raises(ValueError, match="above 0"):
        schedule.interval_in_force(600.0, 1.0, 0.0)


def test_a_shorter_interval_takes_effect_at_once():
    rng = random.Random(1)
    assert schedule.retimed(last_grid=0.0, interval=60.0, now=500.0, rng=rng).grid == 500.0
    assert schedule.retimed(last_grid=480.0, interval=60.0, now=500.0, rng=rng).grid == 540.0


times = st.floats(0, 1e6)


@given(boot=times, level=times, success=st.none() | times, now=st.floats(0, 3e6), interval=st.floats(1, 1e5))
def test_a_required_job_is_healthy_for_one_and_a_half_intervals_after_the_latest_event(
    boot: float, level: float, success: float | None, now: float, interval: float
):
    record = health.Record(interval=interval, last_success=success)
    latest = max(boot, level, boot if success is None else success)
    is_healthy = health.health("plan", record, boot, level, now) == health.Healthy()
    assert is_healthy == (now - latest <= 1.5 * interval)


def test_the_reason_says_when_it_last_succeeded_and_what_is_allowed():
    record = health.Record(interval=600.0, last_success=1000.0)
    found = health.health("plan", record, boot=0.0, level_changed=0.0, now=2500.0)
    assert found == health.Unhealthy("plan last succeeded 1500 s ago; 900 s allowed (1.5 × its interval of 600 s)")


def test_a_needed_job_that_is_unhealthy_skips_the_run_and_a_wished_one_is_only_noted():
    spec = job("learn", requires=("metrics_scraper!", "posting~"))
    sick, well = health.Unhealthy("why"), health.Healthy()
    assert health.gate(spec, {"metrics_scraper": sick, "posting": well}) == health.Skip(("why",))
    assert health.gate(spec, {"metrics_scraper": well, "posting": sick}) == health.Proceed(("why",))
    assert health.gate(spec, {"metrics_scraper": well, "posting": well}) == health.Proceed()


def found(spec: JobSpec, record: health.Record, now: float, monotonic: float = 0.0) -> set[health.Trouble]:
    return {each.trouble for each in health.findings(spec, record, 0.0, 0.0, now, monotonic)}


def test_the_watchdog_finds_a_job_that_is_overdue_by_half_an_interval():
    record = health.Record(interval=600.0, last_start=1000.0, last_success=1000.0)
    assert found(job("plan"), record, 1900.0) == set()
    assert found(job("plan"), record, 1901.0) == {health.Trouble.OVERDUE}


def test_where_the_calendar_outruns_a_run_its_deadline_is_what_counts():
    record = health.Record(interval=60.0, last_start=1000.0, last_success=1000.0)
    spec = job("memory_monitor", deadline=30.0, kind=Kind.CRITICAL)

    def troubles(real_seconds: float) -> set[health.Trouble]:
        found = health.findings(spec, record, 0.0, 0.0, 1000.0 + 60.0 * real_seconds, 0.0, speed=60.0)
        return {each.trouble for each in found}

    assert troubles(45.0) == set()
    assert troubles(45.1) == {health.Trouble.OVERDUE}
    assert troubles(60.0) == {health.Trouble.OVERDUE}
    assert troubles(60.1) == {health.Trouble.OVERDUE, health.Trouble.SILENT}


@given(st.floats(1.0, 86400.0), st.floats(1.0, 600.0), st.floats(1.0, 120.0), st.floats(0.0, 1.0))
def test_a_run_that_keeps_its_deadline_makes_no_job_overdue(
    interval: float, deadline: float, speed: float, share: float
):
    spec = job("plan", deadline=deadline)
    began = 1000.0
    over = began + share * deadline * speed
    record = health.Record(interval=interval, last_start=began, last_success=over)
    assert health.findings(spec, record, 0.0, 0.0, over, 0.0, speed) == ()


def test_a_critical_job_may_be_silent_for_two_intervals_and_at_least_half_an_hour():
    spec = job("posting", kind=Kind.CRITICAL)
    record = health.Record(interval=300.0, last_start=5000.0, last_success=1000.0)
    assert found(spec, record, 1000.0 + 30 * MINUTE) == set()
    assert health.Trouble.SILENT in found(spec, record, 1001.0 + 30 * MINUTE)
    slow = health.Record(interval=HOUR, last_start=1000.0, last_success=1000.0)
    assert health.Trouble.SILENT not in found(spec, slow, 1000.0 + 2 * HOUR)
    assert health.Trouble.SILENT in found(spec, slow, 1001.0 + 2 * HOUR)
    assert health.Trouble.SILENT not in found(job("learn"), slow, 1e6)


def test_a_run_past_its_deadline_is_found_by_real_time_and_is_not_called_overdue():
    record = health.Record(interval=1.0, running_since=100.0, last_success=1000.0)
    spec = job("plan", deadline=60.0)
    assert found(spec, record, 1000.0, monotonic=160.0) == set()
    assert found(spec, record, 1000.0, monotonic=161.0) == {health.Trouble.PAST_DEADLINE}


def test_a_paused_job_is_neither_overdue_nor_silent():
    record = health.Record(interval=60.0, expected=False)
    assert found(job("posting", kind=Kind.CRITICAL), record, 1e6) == set()


def test_the_watchdog_nudges_then_restarts_then_alerts_once():
    steps, last, now = [], None, 0.0
    for _ in range(10):
        now += 30.0
        following = health.escalated(last, now, patience=60.0)
        if following:
            steps.append((now, following.step))
            last = following
    assert steps == [(30.0, health.Step.NUDGE), (90.0, health.Step.RESTART), (150.0, health.Step.ALERT)]


@given(attempt=st.integers(1, 1000), attempts=st.integers(1, 1000), seed=st.integers(0, 99))
def test_a_retry_waits_at_most_its_exponential_bound_and_never_over_half_a_minute(
    attempt: int, attempts: int, seed: int
):
    match retries.after_failure(retries.Failure.TIMED_OUT, attempt, attempts, random.Random(seed)):
        case retries.RetryIn(seconds):
            assert attempt < attempts
            assert 0.0 <= seconds <= min(30.0, 2.0 ** min(attempt - 1, 10))
        case retries.GiveUp():
            assert attempt >= attempts


def test_the_longest_waits_double_from_a_second_to_half_a_minute():
    assert [retries.BACKOFF.ceiling(attempt) for attempt in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize("failure", sorted(retries.FINAL, key=lambda each: each.value))
def test_what_cannot_get_better_is_not_tried_again(failure: retries.Failure):
    assert isinstance(retries.after_failure(failure, 1, 3, random.Random(1)), retries.GiveUp)


def test_a_crash_and_a_broken_page_are_tried_again():
    for failure in (retries.Failure.CRASHED, retries.Failure.PAGE_BROKEN, retries.Failure.RATE_LIMITED):
        assert isinstance(retries.after_failure(failure, 1, 3, random.Random(1)), retries.RetryIn)
