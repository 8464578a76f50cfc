"""`/metrics`: the same snapshots as `/status`, in Prometheus' words.

Nothing is counted twice: actors keep their own counts and this collector reads them when it is scraped. Labels are
bounded: names of jobs, resources, components, causes, states and the actors of the tree; all runs of a job are one.
"""

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from actors.core.supervision import SUPERVISOR
from actors.face.context import AppContext
from actors.face.http.status import status
from social.refusals import REFUSALS

CONTENT_TYPE = CONTENT_TYPE_LATEST
POOL_GAUGES = {
    "capacity": "Units there are",
    "in_use": "Units lent",
    "waiting": "Requests that wait",
    "quarantined": "Units whose end is not confirmed",
}
# Each a field of `actors.resources.usage_counters.JobUse`, with its metric.
LEASES_BY_JOB = {
    "granted": ("roost_leases_granted", "Leases granted"),
    "refused": ("roost_leases_refused", "Requests refused"),
    "revoked": ("roost_leases_revoked", "Leases taken back"),
    "warned": ("roost_leases_warned", "Leases that came near their deadline"),
    "waited": ("roost_lease_wait_seconds", "Seconds that requests waited until they were granted"),
    "held": ("roost_lease_held_seconds", "Seconds that leases were held, of those that are over"),
}
LEASES_BY_CAUSE = {
    "ended_by": ("roost_lease_ends", "Leases that are over, by what ended them"),
    "refused_by": ("roost_lease_refusals", "Requests refused, by why"),
}
BREAKER_STATES = ("closed", "open", "half_open", "forced_open", "forced_closed")


def exposition(view: AppContext) -> bytes:
    """The page for Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(view))
    ProcessCollector(namespace="roost", registry=registry)
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, view: AppContext) -> None:
        self.view = view

    def collect(self) -> Iterator[Metric]:
        now = status(self.view)
        yield InfoMetricFamily("roost_build", "What runs", {"version": now["version"], "mode": now["mode"]})
        yield gauge("roost_uptime_seconds", "Real seconds since the start", now["uptime_seconds"])
        yield gauge("roost_calendar_seconds", "Calendar time, Unix", self.view.system.runtime.calendar())
        yield gauge("roost_calendar_speed_ratio", "Calendar seconds per real second", now["speed"])
        yield from _level(now)
        yield from _pools(now)
        yield from _jobs(now)
        yield from _posts(now)
        yield from _servers(now)
        yield from self._actors(now)

    def _actors(self, now: dict[str, Any]) -> Iterator[Metric]:
        directory = self.view.system.directory
        depth = GaugeMetricFamily("roost_mailbox_depth_messages", "Messages that wait", labels=["actor"])
        oldest = GaugeMetricFamily("roost_mailbox_oldest_seconds", "Age of the oldest message", labels=["actor"])
        runs = 0
        for actor in directory.actors():
            if actor.name.startswith("run:"):
                runs += 1
                continue
            mailbox = actor.mailbox.statistics()
            depth.add_metric([actor.name], mailbox.depth)
            oldest.add_metric([actor.name], mailbox.oldest_age)
        yield from (depth, oldest)
        yield gauge("roost_runs_active", "Runs at work", runs)
        yield CounterMetricFamily("roost_actors_fenced", "Actors abandoned", value=self.view.system.fenced_total)
        yield gauge("roost_actors_abandoned", "Abandoned threads not ended", len(self.view.system.zombies()))
        yield from self._restarts()
        yield from self._handlers()
        letters = CounterMetricFamily("roost_dead_letters", "Messages nobody handled", labels=["reason"])
        for reason, number in now["dead_letters"].items():
            letters.add_metric([reason], number)
        yield letters
        requests = CounterMetricFamily("roost_http_requests", "Requests answered", labels=["path", "status"])
        for (path, code), number in self.view.requests.counts().items():
            requests.add_metric([path, str(code)], number)
        yield requests
        refused = CounterMetricFamily("roost_page_refusals", "What pages were refused to do", labels=["what"])
        for what, number in REFUSALS.statistics().items():
            refused.add_metric([what], number)
        yield refused
        logged = CounterMetricFamily("roost_log_lines", "Lines logged", labels=["level"])
        for level, number in self.view.book.counts.items():
            logged.add_metric([level.lower()], number)
        yield logged

    def _restarts(self) -> Iterator[Metric]:
        restarts = CounterMetricFamily("roost_restarts", "Restarts", labels=["supervisor", "child", "why"])
        seconds = HistogramMetricFamily(
            "roost_restart_seconds", "From an end to the next life", labels=["supervisor"]
        )
        for snapshot in self.view.system.board.under(SUPERVISOR).values():
            for child, why, number in snapshot.restarts:
                if not child.startswith("run:"):
                    restarts.add_metric([snapshot.name, child, why], number)
            buckets = [(_bound(bound), number) for bound, number in snapshot.restart_seconds]
            seconds.add_metric([snapshot.name], buckets, sum_value=None)
        yield from (restarts, seconds)

    def _handlers(self) -> Iterator[Metric]:
        seconds = HistogramMetricFamily("roost_handler_seconds", "Seconds a handler took", labels=["actor_class"])
        for kind, histogram in sorted(self.view.system.handler_seconds().items()):
            buckets = [(_bound(bound), number) for bound, number in histogram.cumulated()]
            seconds.add_metric([kind], buckets, sum_value=histogram.sum)
        yield seconds


def _bound(seconds: float) -> str:
    """The upper bound of a bucket, as Prometheus writes it."""
    return "+Inf" if seconds == float("inf") else str(seconds)


def gauge(name: str, help: str, value: float) -> GaugeMetricFamily:
    """A gauge without labels."""
    return GaugeMetricFamily(name, help, value=value)


def _level(now: dict[str, Any]) -> Iterator[Metric]:
    if now["level"]["value"] is not None:
        yield gauge("roost_level_ratio", "Level in force: full 1.0 to emergency 0.1", now["level"]["value"])
        yield gauge("roost_level_pinned", "1 while an operator holds the level", bool(now["level"]["pinned"]))
    up = GaugeMetricFamily("roost_component_up", "1 while the component is healthy", labels=["component"])
    for name, part in now["components"].items():
        up.add_metric([name], part["healthy"])
    yield up
    yield gauge("roost_lane_held", "1 while this instance may act for the account", now["lane"]["held"])


def _pools(now: dict[str, Any]) -> Iterator[Metric]:
    usage = GaugeMetricFamily("roost_pool_usage_ratio", "Share in use, smoothed over a minute", labels=["pool"])
    for name, share in now["usage"].items():
        usage.add_metric([name], share)
    yield usage
    yield gauge("roost_alerts", "Alerts that need a person now", len(now["alerts"]))
    for word, help in POOL_GAUGES.items():
        metric = GaugeMetricFamily(f"roost_pool_{word}", help, labels=["resource"])
        for name, pool in now["pools"].items():
            metric.add_metric([name], pool[word])
        yield metric
    yield from _leases(now["pools"])
    breakers = GaugeMetricFamily(
        "roost_breaker_state",
        "1 for the state that the breaker is in, 0 for the others",
        labels=["resource", "state"],
    )
    for name, pool in now["pools"].items():
        for state in BREAKER_STATES:
            breakers.add_metric([name, state], pool["breaker"] == state)
    yield breakers


def _leases(pools: dict[str, Any]) -> Iterator[Metric]:
    """Of each resource: who used it and how, and why leases ended and requests were refused."""
    active = GaugeMetricFamily("roost_leases_active", "Units lent to the job", labels=["resource", "job"])
    for name, pool in pools.items():
        lent = dict(pool["by_job"])
        for use in pool["jobs"]:
            active.add_metric([name, use["job"]], lent.get(use["job"], 0))
    yield active
    for field, (metric, help) in LEASES_BY_JOB.items():
        counter = CounterMetricFamily(metric, help, labels=["resource", "job"])
        for name, pool in pools.items():
            for use in pool["jobs"]:
                counter.add_metric([name, use["job"]], use[field])
        yield counter
    for field, (metric, help) in LEASES_BY_CAUSE.items():
        counter = CounterMetricFamily(metric, help, labels=["resource", "cause"])
        for name, pool in pools.items():
            for cause, number in pool[field]:
                counter.add_metric([name, cause], number)
        yield counter


def _jobs(now: dict[str, Any]) -> Iterator[Metric]:
    runs = CounterMetricFamily("roost_job_runs", "Runs ended", labels=["job", "outcome"])
    skipped = CounterMetricFamily("roost_job_skips", "Ticks without a run", labels=["job", "reason"])
    seconds = GaugeMetricFamily("roost_job_last_run_seconds", "Real seconds of the last run", labels=["job"])
    interval = GaugeMetricFamily("roost_job_interval_seconds", "Calendar seconds between runs", labels=["job"])
    paused = GaugeMetricFamily("roost_job_paused", "1 while an operator holds it", labels=["job"])
    for name, job in now["jobs"].items():
        for outcome in ("succeeded", "failed", "cancelled"):
            runs.add_metric([name, outcome], job[outcome])
        for reason, times in job["skipped"].items():
            skipped.add_metric([name, reason], times)
        interval.add_metric([name], job["interval_seconds"])
        paused.add_metric([name], job["state"] == "paused")
        if job["last"] is not None:
            seconds.add_metric([name], job["last"]["seconds"])
    yield from (runs, skipped, seconds, interval, paused)


def _posts(now: dict[str, Any]) -> Iterator[Metric]:
    posts = GaugeMetricFamily("roost_posts", "Posts in each state", labels=["state"])
    for state, number in now["posts"].items():
        posts.add_metric([state], number)
    yield posts
    yield gauge("roost_metric_snapshots", "Snapshots of posts' counts that are kept", now["metrics"]["snapshots"])
    yield gauge("roost_model_version", "Newest version of what was learnt", now["models"]["version"])
    if now["figures_age_seconds"] is not None:
        yield gauge("roost_figures_age_seconds", "Age of the numbers from Postgres", now["figures_age_seconds"])


def _servers(now: dict[str, Any]) -> Iterator[Metric]:
    up = GaugeMetricFamily("roost_server_up", "1 while the embedded server answers", labels=["server"])
    restarts = CounterMetricFamily("roost_server_restarts", "Starts after the first", labels=["server"])
    for name, server in now["servers"].items():
        up.add_metric([name], server["up"])
        restarts.add_metric([name], server["restarts"])
    yield from (up, restarts)
