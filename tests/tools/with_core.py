"""Runs a module as `python -m` does, with the core named before it.

python -m tests.tools.with_core pure tests.tools.benchmarks
python -m tests.tools.with_core compiled pytest tests/orderbook
python -m tests.tools.with_core auto tests.tools.frame_digest        as the program chooses
"""

import os
import runpy
import sys
from pathlib import Path

from processes.core import BUILT, Core, fits, use_compiled_core

FOLDER = "CORE_BUILT"
"""The environment variable that names another folder with a build."""


def main() -> int:
    """Choose the core and run the module."""
    which, module, *arguments = sys.argv[1:]
    built = Path(os.environ.get(FOLDER) or BUILT)
    if which == Core.COMPILED and not fits(built):
        sys.stderr.write("No compiled core is of these sources; `make fast` compiles them.\n")
        return 2
    if which != Core.PURE and (complaint := use_compiled_core(built)):
        sys.stderr.write(f"{complaint}\n")
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
