"""The table of jobs in the documentation has each job that replaced one once, and names tests that exist."""

import re
from pathlib import Path

from actors.jobs import names, registry
from domain.settings import parse

TESTS = Path(__file__).parents[1]
TABLE = TESTS.parent / "docs" / "jobs.md"


def rows() -> list[list[str]]:
    table = TABLE.read_text().partition("| before | here | shown by |")[2]
    cells = (line.strip("|").split("|") for line in table.splitlines()[2:] if line.startswith("|"))
    return [[cell.strip() for cell in row] for row in cells]


def named() -> list[str]:
    return [name for _, here, _ in rows() for name in re.findall(r"`(\w+)`", here) if name != "care"]


def test_every_job_that_replaced_one_is_in_the_table_once_and_the_watchdog_with_them() -> None:
    assert len(named()) == len(set(named())) == 27
    assert set(named()) <= {*names(), "watchdog"}


def test_a_job_that_replaced_none_says_in_its_own_file_what_it_does() -> None:
    for job in registry.load(parse({}, {})):
        if job.spec.name not in named():
            assert type(job).__doc__, job.spec.name


def test_no_job_of_before_stands_there_twice() -> None:
    before = [name.strip() for names, _, _ in rows() for name in names.split(",")]
    assert sorted(before) == sorted(set(before))
    assert len(before) > 45


def test_every_test_that_the_table_names_exists_where_it_says() -> None:
    files: dict[str, str] = {}
    for path in TESTS.rglob("test_*.py"):
        files[path.stem] = files.get(path.stem, "") + path.read_text()
    for before, _, shown in rows():
        named = re.findall(r"`(test_\w+)::(test_\w+)`", shown)
        assert named, before
        for file, test in named:
            assert f"def {test}(" in files[file], (file, test)
