"""The conformance table names tests that exist, and leaves no case without a test or a reason."""

import re
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "docs" / "supervision.md"


def rows() -> list[tuple[str, str]]:
    table = TABLE.read_text().partition("| OTP's case |")[2]
    return [(cells[1].strip(), cells[3]) for line in table.splitlines() if len(cells := line.split("|")) == 5][1:]


def test_every_test_that_the_table_names_exists() -> None:
    sources = "".join(path.read_text() for path in HERE.glob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)", sources, re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", "".join(shown for _, shown in rows())))
    assert named - defined == set()
    assert len(named) > 50


def test_every_case_has_a_test_or_a_reason_and_stands_there_once() -> None:
    cases = [case for case, _ in rows()]
    assert len(cases) == len(set(cases)) == 93
    assert [case for case, shown in rows() if "`" not in shown and not re.search(r"n/a: \w+|the same, ", shown)] == []
