"""`python -m bench NAME …` runs these benches, without a name all of them. Each prints one JSON object a line."""

import importlib
import pkgutil
import sys

import bench

NOT_BENCHES = ("__main__", "line")


def main() -> None:
    known = [module.name for module in pkgutil.iter_modules(bench.__path__) if module.name not in NOT_BENCHES]
    wanted = sys.argv[1:] or known
    if unknown := [name for name in wanted if name not in known]:
        sys.exit(f"no such bench: {', '.join(unknown)}. There are: {', '.join(known)}")
    for name in wanted:
        importlib.import_module(f"bench.{name}").run()


main()
