"""Reads from the site's pages how the own replies did."""

from actors.jobs.metrics_scraper import HOLD_SECONDS, Scraper
from domain.calendar import minutes
from domain.jobs.spec import Holds, JobSpec, Kind


class ReplyMetricsScraper(Scraper):
    """Scrapes the counts of own replies, as `metrics_scraper` does those of posts."""

    what = "replies"
    spec = JobSpec(
        "reply_metrics_scraper",
        every=minutes(30),
        priority=2,
        kind=Kind.SCRAPING,
        holds=Holds(browser=1, database=1),
        requires=("reply_posting~",),
        offset=minutes(20),
        deadline=300.0,
        category="metrics",
        browser_seconds=HOLD_SECONDS,
    )
