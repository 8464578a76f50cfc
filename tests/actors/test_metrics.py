"""The figures for Prometheus, read back by its own parser."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.core.base import Actor
from actors.core.supervision import ChildSpec, StartChild
from actors.face.http.metrics import exposition
from actors.protocol.alerts import Alert, AlertsState
from actors.protocol.health import ComponentView, HealthView
from actors.protocol.jobs import JobSnapshot, Waiting
from actors.protocol.resources import ResourceState
from actors.resources.usage_counters import UsageCounters, pairs
from domain.jobs.spec import JobSpec, Kind
from supervisors.dynamic import DynamicSupervisor
from tests.actors.faceworld import FaceWorld


@pytest.fixture
def world(tmp_path: Path) -> FaceWorld:
    return FaceWorld(tmp_path)


def samples(world: FaceWorld) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(exposition(world.view).decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_every_name_is_ours_and_counters_end_in_total(world: FaceWorld) -> None:
    families = list(text_string_to_metric_families(exposition(world.view).decode()))
    assert families
    assert all(family.name.startswith("roost_") for family in families)
    counters = [sample.name for family in families if family.type == "counter" for sample in family.samples]
    assert all(name.endswith(("_total", "_created")) for name in counters)


def test_level_components_and_jobs_are_there(world: FaceWorld) -> None:
    world.system.board.put("health", HealthView(components=(ComponentView("database", False, "", 0.0, 0.0),)))
    spec = JobSpec("plan", every=1800.0, priority=0, kind=Kind.CRITICAL)
    snapshot = JobSnapshot(spec, Waiting(), interval=1800.0, succeeded=4, failed=1).skipped("gate")
    world.system.board.put("job:plan", snapshot)
    found = samples(world)
    assert found["roost_level_ratio", ()] == 1.0
    assert found["roost_component_up", (("component", "database"),)] == 0
    assert found["roost_job_runs_total", (("job", "plan"), ("outcome", "succeeded"))] == 4
    assert found["roost_job_runs_total", (("job", "plan"), ("outcome", "failed"))] == 1
    assert found["roost_job_skips_total", (("job", "plan"), ("reason", "gate"))] == 1
    assert found["roost_job_interval_seconds", (("job", "plan"),)] == 1800


def test_alerts_and_the_usage_of_pools_are_there(world: FaceWorld) -> None:
    alert = Alert("pool:redis", "redis: 93% in use", since=0.0)
    world.system.board.put("alerts", AlertsState((alert,), usage=(("redis", 0.93), ("model tokens per minute", 0.1))))
    found = samples(world)
    assert found["roost_alerts", ()] == 1
    assert found["roost_pool_usage_ratio", (("pool", "redis"),)] == 0.93
    assert found["roost_pool_usage_ratio", (("pool", "model tokens per minute"),)] == 0.1


def used() -> ResourceState:
    """A database that `learn` and `plan` have used, behind a breaker that is half open."""
    tally = UsageCounters()
    for job, waited in (("learn", 1.5), ("learn", 0.25), ("plan", 0.5), ("plan", 0.0)):
        tally.granted(job, waited)
    tally.ended("plan", held=2.0)
    tally.revoked("learn", "hold deadline", held=30.0)
    tally.warned("learn")
    tally.refused("learn", "wait deadline")
    tally.refused("harvester", "breaker open")
    granted, ended, revoked, refused = tally.totals()
    units = {"limit": 10, "capacity": 10, "in_use": 2, "idle": 8, "waiting": 0, "quarantined": 0}
    return ResourceState(
        **units,
        name="database",
        state="up",
        healthy=True,
        detail="",
        by_job=(("learn", 1), ("plan", 1)),
        longest_wait=0.0,
        granted=granted,
        ended=ended,
        revoked=revoked,
        refused=refused,
        ended_by=pairs(tally.ended_by),
        refused_by=pairs(tally.refused_by),
        jobs=tally.jobs(),
        builds=1,
        faults=(),
        breaker="half_open",
        breaker_retry_at=None,
        breaker_opened_times=1,
        breaker_overdue=0.0,
    )


def test_leases_are_counted_by_job_and_their_ends_and_refusals_by_cause(world: FaceWorld) -> None:
    world.system.board.put("database", used())
    found = samples(world)

    def by(label: str, name: str) -> dict[str, float]:
        """The figures of the database, by this label."""
        every = ((dict(labels), value) for (metric, labels), value in found.items() if metric == name)
        return {labels[label]: value for labels, value in every if labels["resource"] == "database"}

    assert by("job", "roost_leases_granted_total") == {"learn": 2, "plan": 2, "harvester": 0}
    assert by("job", "roost_leases_refused_total") == {"learn": 1, "plan": 0, "harvester": 1}
    assert by("job", "roost_leases_revoked_total") == {"learn": 1, "plan": 0, "harvester": 0}
    assert by("job", "roost_leases_warned_total") == {"learn": 1, "plan": 0, "harvester": 0}
    assert by("job", "roost_lease_wait_seconds_total") == {"learn": 1.75, "plan": 0.5, "harvester": 0}
    assert by("job", "roost_lease_held_seconds_total") == {"learn": 30, "plan": 2, "harvester": 0}
    assert by("job", "roost_leases_active") == {"learn": 1, "plan": 1, "harvester": 0}
    assert by("cause", "roost_lease_ends_total") == {"released": 1, "hold deadline": 1}
    assert by("cause", "roost_lease_refusals_total") == {"wait deadline": 1, "breaker open": 1}
    assert {state for state, value in by("state", "roost_breaker_state").items() if value} == {"half_open"}
    assert len(by("state", "roost_breaker_state")) == 5


def test_the_runs_of_a_job_are_one_number_and_no_labels(world: FaceWorld) -> None:
    world.system.start("runs", DynamicSupervisor)
    for number in range(5):
        run = ChildSpec(f"run:plan:{number}", Actor, restart="temporary")
        world.system.ask("runs", StartChild(run), timeout=5)
    found = samples(world)
    assert found["roost_runs_active", ()] == 5
    assert not any("run:plan" in value for _, labels in found for _, value in labels)
    assert found["roost_mailbox_depth_messages", (("actor", "runs"),)] == 0
    world.stop()


def test_handlers_and_restarts_are_histograms(world: FaceWorld) -> None:
    world.system.start("sup", lambda: DynamicSupervisor())
    assert world.system.ask("sup", StartChild(ChildSpec("one", Actor)), 5)
    found = samples(world)
    assert found["roost_handler_seconds_bucket", (("actor_class", "DynamicSupervisor"), ("le", "+Inf"))] >= 1
    assert found["roost_restart_seconds_bucket", (("le", "+Inf"), ("supervisor", "sup"))] == 0
