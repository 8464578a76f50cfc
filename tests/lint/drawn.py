"""The tree and the floors as the code has them, drawn as in the docs: `python -m tests.lint.drawn` prints both."""

import re
import tomllib
from pathlib import Path
from typing import Any

from actors.core.pykka_adapter import construct
from actors.core.runtime import ThreadedRuntime
from actors.core.supervision import ChildSpec
from actors.core.system import System
from actors.face.context import AppContext
from domain.settings import parse
from supervisors.supervisor import Supervisor
from supervisors.supervisor_base import SupervisorBase
from supervisors.tree import root

PROJECT = Path(__file__).parents[2]
MARKED = r"<!-- drawn: {what} -->\n```\n(.*?)```"


def tree() -> str:
    """Who restarts whom, from the specs, with no server configured."""
    system = System(ThreadedRuntime())
    nobody: Any = None
    view = AppContext(system, parse({}, {}), nobody, Path("."), "drawn", 0.0, lambda reason: None)
    specs = _specs(system, ChildSpec("root", lambda: root(view, nobody), type="supervisor"))
    assert specs is not None
    return "\n".join([f"root ({specs[0]})", *_branches(system, specs[1])]) + "\n"


def _branches(system: System, specs: tuple[ChildSpec, ...]) -> list[str]:
    lines = []
    for spec in specs:
        strategy, below = _specs(system, spec)
        corner = "└─" if spec is specs[-1] else "├─"
        lines.append(f"{corner} {f'{spec.id} ({strategy})':<25} {', '.join(_leaf(system, child) for child in below)}")
    return lines


def _leaf(system: System, spec: ChildSpec) -> str:
    return spec.id if spec.type == "worker" else f"{spec.id} ({_specs(system, spec)[0]})"


def _specs(system: System, spec: ChildSpec) -> tuple[str, tuple[ChildSpec, ...]]:
    """A supervisor's strategy and children. It is made for that, and never started."""
    made: SupervisorBase = construct(spec.start, spec.id, system)
    return made.strategy, made._specs if isinstance(made, Supervisor) else ()


def floors() -> str:
    """Who may import whom, from the top, as import-linter holds it."""
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return "".join(f"{layer}\n" for layer in ("main.py", *layers))


def drawn_in(document: str, what: str) -> list[str]:
    """What a document shows as `what`."""
    return re.findall(MARKED.format(what=what), (PROJECT / document).read_text(), re.DOTALL)


if __name__ == "__main__":
    print(f"{tree()}\n{floors()}", end="")  # noqa: T201
