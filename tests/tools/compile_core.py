"""Compiles the core by mypyc, for processes/core.py to find.

python -m tests.tools.compile_core [--into .fast]

Modules that define a msgspec Struct stay as they are: mypyc drops what a class says beside its bases, and
`frozen` and `gc` with it.
"""

import argparse
import ast
import contextlib
import os
import shutil
import sys
import sysconfig
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from processes.core import BUILT, FINGERPRINT, PACKAGES, ROOT, fingerprint

NEEDED: Final = "a C compiler and Python's headers (on Debian: apt-get install gcc python3-dev)"
_MYPY: Final = ("--config-file=pyproject.toml", "--no-warn-unused-configs")


def what_is_missing() -> str:
    """Return what a build lacks on this machine, in words, or ""."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    if shutil.which(compiler) is None or not headers.exists():
        return NEEDED
    # Found, not imported: setuptools puts what it brings along on the path of whoever imports it.
    found = all(find_spec(name) for name in ("mypyc", "setuptools"))
    return "" if found else "mypy and setuptools (requirements-dev.txt)"


def compiled_modules() -> list[Path]:
    """Return the modules of the core that are compiled, relative to the checkout."""
    files = [file for name in PACKAGES for file in sorted((ROOT / name.replace(".", "/")).glob("*.py"))]
    return [file.relative_to(ROOT) for file in files if file.stem != "__init__" and not _has_structs(file)]


def _has_structs(file: Path) -> bool:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return any(
        isinstance(node, ast.ClassDef) and any("Struct" in ast.unparse(base) for base in node.bases)
        for node in ast.walk(tree)
    )


def compile_into(folder: Path) -> None:
    """Compile the core and put it into `folder`, in place of what was there. Half a minute."""
    import setuptools
    from mypyc.build import mypycify
    from setuptools.command.build_ext import build_ext

    made_of = fingerprint()  # before: what is edited meanwhile makes the build stale
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(ROOT):
        work, made = Path(scratch), Path(scratch, "made")
        modules = [str(file) for file in compiled_modules()]
        options = [*_MYPY, f"--cache-dir={work / 'cache'}", *modules]
        extensions = mypycify(options, target_dir=str(work / "c"), opt_level="3", debug_level="0")
        command = build_ext(setuptools.Distribution({"ext_modules": extensions}))
        command.build_lib, command.build_temp = str(made), str(work / "objects")
        command.ensure_finalized()
        command.run()
        (made / FINGERPRINT).write_text(made_of, encoding="ascii")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(made, folder)


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and compile."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.compile_core", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--into", type=Path, default=BUILT, help="a folder, which is replaced")
    chosen = parser.parse_args(arguments)
    missing = what_is_missing()
    if missing:
        sys.stderr.write(f"The core cannot be compiled: this machine lacks {missing}.\n")
        return 2
    compile_into(chosen.into.resolve())
    sys.stdout.write(f"{len(compiled_modules())} modules compiled into {os.path.relpath(chosen.into)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
