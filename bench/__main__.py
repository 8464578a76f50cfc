"""`python -m bench NAME … [--option …]` runs these benches, without a name all but the long ones.

Each prints one JSON object a line.
"""

import importlib
import pkgutil
import sys

import bench

# These are parts of others.
PARTS = (
    "__main__",
    "line",
    "contention",
    "crawlee_pool",
    "pages",
    "processor",
    "rivals",
    "storm",
    "timed_roost",
    "whole",
)
BY_NAME = ("chaos", "day", "durations", "soak")  # these take long, and run only where they are named


def main() -> None:
    known = [module.name for module in pkgutil.iter_modules(bench.__path__) if module.name not in PARTS]
    options = next((number for number, word in enumerate(sys.argv) if word.startswith("-")), len(sys.argv))
    wanted = sys.argv[1:options] or [name for name in known if name not in BY_NAME]
    if unknown := [name for name in wanted if name not in known]:
        sys.exit(f"no such bench: {', '.join(unknown)}. There are: {', '.join(known)}")
    sys.argv[:options] = sys.argv[:1]
    for name in wanted:
        importlib.import_module(f"bench.{name}").run()


main()
