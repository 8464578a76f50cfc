"""A new job is one file and one line: the example of docs/jobs.md, as it stands there, in a world where it runs."""

import importlib
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import actors.jobs
from actors.jobs import JOBS, names, registry
from domain.settings import interval_setting, parse
from tests.actors.test_run_for_real import House
from tests.store.world import queued

DOCS = Path(__file__).parents[2] / "docs" / "jobs.md"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The example's line in the registry; its file is where the jobs are."""
    file, lines = BLOCK.findall(DOCS.read_text())
    (line,) = re.findall(r'"(.+)"', lines)
    name, _, _ = line.partition(".")
    (tmp_path / f"{name}.py").write_text(file)
    monkeypatch.setattr(actors.jobs, "__path__", [*actors.jobs.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    yield line
    del sys.modules[f"actors.jobs.{name}"]


def test_the_example_needs_nothing_but_its_file_and_its_line(
    line: str, dsn: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = (*JOBS, line)
    name = names(lines)[-1]
    settings = parse({interval_setting(name): "7"}, {}, names(lines))
    assert settings.job_intervals == {name: 7.0}
    jobs = registry.load(settings, lines)
    (job,) = (job for job in jobs if job.spec.name == name)
    house = House(dsn, tmp_path)
    try:
        house.jobs(job)
        with psycopg.connect(dsn) as connection:
            queued(connection, "a wren sings")
            queued(connection, "a robin waits", approval="waiting")
        caplog.set_level(logging.INFO)
        house.run_now(name)
        book = house.ended(name)
    finally:
        house.close()
    assert (book.succeeded, book.failed) == (1, 0), book.last_end
    assert "1 posts wait for approval" in caplog.text
    assert len(registry.children(jobs, house.environment, 0.0)) == len(lines)
