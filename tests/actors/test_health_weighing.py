"""Which memory limit presses: the container's, v2 or v1, or the one that was set."""

import os
import subprocess
import sys
from pathlib import Path

from actors.care.memory_usage import Limits, Weight, container_limit, pressing, weigh
from actors.protocol.health import MIB
from actors.servers.process_tree import MemoryMeter


def group(tmp_path: Path, line: str, **files: str) -> int | None:
    own = tmp_path / "own"
    own.write_text(line + "\n")
    for path, text in files.items():
        file = tmp_path / "fs" / path.replace("__", "/").replace("_max", ".max").replace("_limit", ".limit")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return container_limit(root=tmp_path / "fs", own=own)


def test_the_limit_of_a_v2_group_is_the_smallest_on_the_way_up(tmp_path: Path) -> None:
    found = group(tmp_path, "0::/pod/roost", pod__roost__memory_max="max\n", pod__memory_max=f"{300 * MIB}\n")
    assert found == 300 * MIB


def test_a_v2_limit_is_found_inside_a_container_that_shows_its_group_as_the_root(tmp_path: Path) -> None:
    assert group(tmp_path, "0::/../../elsewhere", memory_max=f"{256 * MIB}\n") == 256 * MIB


def test_the_limit_of_a_v1_group(tmp_path: Path) -> None:
    found = group(tmp_path, "5:cpu,memory:/roost", memory__roost__memory_limit_in_bytes=f"{400 * MIB}\n")
    assert found == 400 * MIB


def test_no_limit_is_none_and_so_is_v1s_absurd_number(tmp_path: Path) -> None:
    assert group(tmp_path, "0::/", memory_max="max\n") is None
    assert group(tmp_path, "5:memory:/", memory__memory_limit_in_bytes="9223372036854771712\n") is None


def test_the_nearer_limit_presses_and_servers_count_only_against_the_containers() -> None:
    weight = Weight({"python": 100 * MIB, "browser": 200 * MIB, "servers": 150 * MIB})
    assert pressing(weight, Limits(512 * MIB, None)) == (300 * MIB, 512 * MIB)
    assert pressing(weight, Limits(512 * MIB, 500 * MIB)) == (450 * MIB, 500 * MIB)


def test_a_glance_sees_what_a_weighing_calls_private() -> None:
    weighed, scales = weigh([]).private, MemoryMeter()
    assert abs(scales.private({os.getpid()}) - weighed) < weighed / 5
    assert scales.private(set()) == 0


def test_a_server_is_told_apart_from_what_is_roosts_own() -> None:
    assert set(weigh([]).parts) >= {"python"}
    assert weigh([999_999_999]).parts.get("servers") is None


def test_what_lies_beside_is_not_glanced_at() -> None:
    code = "kept = bytearray(30 << 20); print('there', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as beside:
        assert beside.stdout is not None
        beside.stdout.readline()
        with_it, without = (MemoryMeter().private({os.getpid()}, pids) for pids in ((), {beside.pid}))
        beside.communicate()
    assert with_it - without > 20 * MIB
