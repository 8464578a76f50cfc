"""The registry of jobs: one line each, as `module.Class` in this folder. `docs/jobs.md` tells how to write one.

Lines and not imports, so that a job may import another without a circle, and a boot loads them all at one place. A
job is called as its module, so that its name is known, to the settings say, before anything is loaded.
"""

from collections.abc import Sequence

JOBS = (
    "plan.Plan",
    "posting.Posting",
    "metrics_scraper.MetricsScraper",
    "account_discovery.AccountDiscovery",
    "harvester.Harvester",
    "reply_posting.ReplyPosting",
    "reply_metrics_scraper.ReplyMetricsScraper",
    "reply_learning.ReplyLearning",
    "learn.Learn",
    "id_recovery.IdRecovery",
    "retry_queue.RetryQueue",
    "health_monitor.HealthMonitor",
    "memory_monitor.MemoryMonitor",
    "session_monitor.SessionMonitor",
    "backup.Backup",
    "cleanup.Cleanup",
    "startup_check.StartupCheck",
    "follower_tracker.FollowerTracker",
    "outcomes.Outcomes",
    "attribution.Attribution",
    "analytics.Analytics",
    "optimizer.Optimizer",
    "high_priority_scraper.HighPriorityScraper",
    "low_priority_scraper.LowPriorityScraper",
    "expert_analysis.ExpertAnalysis",
    "competitive_analysis.CompetitiveAnalysis",
)


def names(lines: Sequence[str] = JOBS) -> tuple[str, ...]:
    """What the jobs of these lines are called."""
    return tuple(line.rpartition(".")[0] for line in lines)
