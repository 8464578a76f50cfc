"""What the docs draw is what the code has: tree and floors. `python -m tests.lint.drawn` draws them anew."""

import importlib
import re
import subprocess
import tomllib

import pytest

from supervisors import tree as supervisors_tree
from tests.lint.drawn import PROJECT, drawn_in, floors, tree

TREES = ("README.md", "docs/design.md")
FLOORS = ("docs/design.md", "CONTRIBUTING.md")


@pytest.mark.parametrize("document", TREES)
def test_the_tree_that_is_drawn_is_the_one_that_is_started(document: str) -> None:
    assert drawn_in(document, "tree") == [tree()]


def test_the_tree_in_the_file_of_the_tree_is_the_same() -> None:
    drawn = re.findall(r"^    (\w+ \(.*|[├└]─ .*)$", supervisors_tree.__doc__ or "", re.MULTILINE)
    assert [line.split() for line in drawn] == [line.split() for line in tree().splitlines()]


@pytest.mark.parametrize("document", FLOORS)
def test_the_floors_that_are_drawn_are_those_that_are_held(document: str) -> None:
    (drawn,) = drawn_in(document, "floors")
    named = [re.split(r"\s{2,}", line)[0] for line in drawn.splitlines()]
    assert named == floors().splitlines()


def test_every_link_of_a_document_leads_to_a_file() -> None:
    documents = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", PROJECT / "CHANGELOG.md"]
    for document in (*documents, *(PROJECT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), (document.name, target)


def test_make_help_tells_every_target() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    targets = re.findall(r"^([a-z]+):", makefile, re.MULTILINE)
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert set(targets) == set(phony.split())
    command = ["make", "--no-print-directory", "help"]  # it may be called by a make itself
    told = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in told.splitlines()] == targets
    assert all(len(line.split()) > 2 for line in told.splitlines())


def test_a_commit_is_checked_by_what_make_lint_runs() -> None:
    recipe = re.findall(r"^lint:.*\n((?:\t.+\n)+)", (PROJECT / "Makefile").read_text(), re.MULTILINE)[0]
    lint = re.findall(r"\$\(VENV\)/(.+)", recipe)
    hooks = re.findall(r"entry: \.venv/bin/(.+)", (PROJECT / ".pre-commit-config.yaml").read_text())
    # Where a hook is given the files that changed, `make lint` says the whole tree.
    assert hooks == [command.removesuffix(" .") for command in lint]


def test_the_version_stands_at_one_place() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    module, name = project["tool"]["setuptools"]["dynamic"]["version"]["attr"].rsplit(".", 1)
    assert re.fullmatch(r"\d+\.\d+\.\d+", getattr(importlib.import_module(module), name))
