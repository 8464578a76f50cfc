"""The registry of jobs: one line each, as `module.Class` in this folder. `docs/jobs.md` tells how to write one.

Lines and not imports, so that a job may import another without a circle, and a boot loads them all at one place.
"""

JOBS = (
    "plan.Plan",
    "posting.Posting",
    "metrics_scraper.MetricsScraper",
    "learn.Learn",
    "id_recovery.IdRecovery",
    "retry_queue.RetryQueue",
    "health_monitor.HealthMonitor",
    "memory_monitor.MemoryMonitor",
)
