"""The tree of actors as it stands, from the supervisors' snapshots: for the page and for `ctl tree`."""

from dataclasses import dataclass

from actors.core.supervision import SUPERVISOR, ChildInfo
from actors.core.system import System

ROOT = "root"
MOST_RUNS = 50  # shown under one supervisor


@dataclass(frozen=True, slots=True)
class Node:
    """One child of a supervisor, or the root, and those below it.

    state: running, restarting, undefined (its spec is kept, it does not run). waiting: messages in its mailbox.
    working: real seconds in the handler at work, None when idle. last_reason: why its last incarnation ended.
    """

    name: str
    state: str
    generation: int | None
    restarts: int
    last_reason: str | None
    strategy: str | None
    waiting: int
    working: float | None
    children: tuple["Node", ...]


def tree(system: System) -> Node:
    """Everybody under the root, in order of their start."""
    root = system.directory.whereis(ROOT)
    generation = None if root is None else root.generation
    return _node(system, ChildInfo(ROOT, "supervisor", "undefined" if root is None else "running", generation))


def _node(system: System, info: ChildInfo) -> Node:
    actor = system.directory.whereis(info.id)
    since = None if actor is None else actor.handling_since
    snapshot = system.board[SUPERVISOR(info.id)]
    below = () if snapshot is None else snapshot.children[:MOST_RUNS]
    return Node(
        name=info.id,
        state=info.state,
        generation=info.generation,
        restarts=info.restarts,
        last_reason=info.last_reason,
        strategy=None if snapshot is None else snapshot.strategy,
        waiting=0 if actor is None else actor.mailbox.statistics().depth,
        working=None if since is None else system.runtime.now() - since,
        children=tuple(_node(system, child) for child in below),
    )


def drawn(node: Node) -> list[str]:
    """The tree as lines of text."""
    return [line(node), *_branches(node.children, "")]


def _branches(nodes: tuple[Node, ...], indent: str) -> list[str]:
    lines: list[str] = []
    for node in nodes:
        last = node is nodes[-1]
        lines.append(f"{indent}{'└─ ' if last else '├─ '}{line(node)}")
        lines += _branches(node.children, indent + ("   " if last else "│  "))
    return lines


def line(node: Node) -> str:
    """One actor for people."""
    said = [node.name if node.strategy is None else f"{node.name} ({node.strategy})"]
    said += remarks(node)
    return "  ".join(said)


def remarks(node: Node) -> list[str]:
    """What is not as it is at rest."""
    said = []
    if node.state != "running":
        said.append("down" if node.state == "undefined" else node.state)
    if node.restarts:
        said.append(f"{node.restarts} restart{'' if node.restarts == 1 else 's'}, the last end: {node.last_reason}")
    if node.waiting:
        said.append(f"{node.waiting} waiting")
    if node.working is not None and node.working > 1:
        said.append(f"{node.working:.0f} s in one handler")
    return said
