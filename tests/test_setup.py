"""What a fresh machine is told where Roost cannot be set up; and that the image holds what it runs."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount, and become somebody else")


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """What `make setup` needs of a checkout, where others may pass."""
    place = Path("/tmp") / f"roost-checkout-{os.getpid()}"
    place.mkdir(mode=0o755)
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(PROJECT / name, place / name)
    shutil.copytree(PROJECT / "deploy", place / "deploy")
    yield place
    shutil.rmtree(place)


def setup_in(place: Path, *prefix: str) -> str:
    """What `make setup` says there before it gives up."""
    done = subprocess.run([*prefix, "make", "-C", str(place), "setup"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    return done.stderr


@ROOT
def test_a_checkout_that_cannot_be_written_is_said_so(checkout: Path) -> None:
    said = setup_in(checkout, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    assert f"setup: {checkout} cannot be written by nobody. Clone to where this user may write" in said


@ROOT
def test_a_disk_whose_programs_cannot_be_run_is_said_so(checkout: Path) -> None:
    mount = f"mount -o bind {checkout} {checkout} && mount -o remount,bind,noexec {checkout} && exec "
    if subprocess.run(["unshare", "-m", "sh", "-c", f"{mount} true"], check=False).returncode != 0:
        pytest.skip("this root may not mount")
    said = setup_in(checkout, "unshare", "-m", "sh", "-c", f'{mount} "$0" "$@"')
    assert (
        f"setup: programs in {checkout} cannot be run (is that disk mounted noexec?). Clone to another disk" in said
    )


def test_the_image_holds_every_package_that_the_project_has() -> None:
    packages = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    copied = re.findall(r"^COPY (\w+) \1$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    assert sorted(copied) == sorted(packages)
