"""Orphans come to whoever is PID 1, or a subreaper, which any process may be: here one that a test starts."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

PROJECT = Path(__file__).parents[2]

# A child of it starts a grandchild, which outlives the child, and ends as the test goes on.
FAMILY = """
    import ctypes, json, os, sys
    from actors.servers.process_tree import Reaper, look
    from tests.waiting import eventually

    PR_SET_CHILD_SUBREAPER = 36
    if sys.argv[1] == "adopts":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told, tells = os.pipe()
    ends, end = os.pipe()
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            os.close(end)
            os.write(tells, str(os.getpid()).encode())
            os.read(ends, 1)
        os._exit(0)
    os.waitpid(child, 0)
    orphan = int(os.read(told, 20))
    reaper, found = Reaper(), {}
    found["adopted"] = look(orphan).parent == os.getpid()
    found["alive"] = [reaper.reap(), reaper.reap()]
    os.close(end)
    eventually(lambda: (look(orphan) is None) or look(orphan).state == "Z")
    found["zombie"] = [reaper.reap(), reaper.reap(), reaper.reap()]
    found["left"] = found["adopted"] and look(orphan) is not None
    own = os.fork()
    if own == 0:
        os._exit(7)
    eventually(lambda: look(own).state == "Z")
    reaper.reap()
    found["own"] = os.waitstatus_to_exitcode(os.waitpid(own, 0)[1])
    print(json.dumps(found))
"""


def family(how: str) -> dict[str, object]:
    """What the parent of the orphan saw."""
    command = [sys.executable, "-c", textwrap.dedent(FAMILY), how]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_an_orphan_that_ends_is_collected_at_the_second_look_and_a_child_is_left_to_who_started_it() -> None:
    assert family("adopts") == {"adopted": True, "alive": [0, 0], "zombie": [0, 1, 0], "left": False, "own": 7}


def test_where_orphans_go_elsewhere_nothing_is_collected() -> None:
    assert family("does not adopt") == {
        "adopted": False,
        "alive": [0, 0],
        "zombie": [0, 0, 0],
        "left": False,
        "own": 7,
    }
