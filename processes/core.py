"""Which core a process runs: the sources as they are, or the same compiled by `make fast`.

A build lies in a folder of its own and holds nothing but extension modules and the fingerprint of the sources
that they were made of. Only where that fits is the folder put before the sources, package by package; so no
build can stand in for a source that was edited since.
"""

import enum
import hashlib
import importlib
import sys
import sysconfig
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
BUILT: Final = ROOT / ".fast"
FINGERPRINT: Final = "fingerprint"
"""The file of a build that says what it was made of."""
PACKAGES: Final = ("orderbook", "features", "features.detectors", "state")
SOURCES: Final = ("orderbook", "features", "state", "data_ingestion")
"""What the compiled code depends on: it also takes over constants and types of what is not compiled."""
STALE: Final = (
    "the compiled core is of other sources or of another Python, so the pure one runs; "
    "`make fast` compiles it anew, `make pure` removes it"
)


class Core(enum.StrEnum):
    """What the core runs as."""

    PURE = "pure"
    COMPILED = "compiled"


def fingerprint(root: Path = ROOT) -> str:
    """Return a SHA-256 of the sources that a build is made of, and of what can load it. Some milliseconds."""
    found = hashlib.sha256(str(sysconfig.get_config_var("EXT_SUFFIX")).encode())
    for file in sorted(file for package in SOURCES for file in (root / package).rglob("*.py")):
        found.update(b"\0%b\0" % file.relative_to(root).as_posix().encode())
        found.update(file.read_bytes())
    return found.hexdigest()


def fits(built: Path = BUILT) -> bool | None:
    """Say whether a build is of the sources as they are; None where there is none."""
    try:
        made_of = (built / FINGERPRINT).read_text(encoding="ascii")
    except (OSError, UnicodeError):
        return False if built.exists() else None
    return made_of == fingerprint()


def use_compiled_core(built: Path = BUILT) -> str:
    """Have the core imported from a build that fits; return a sentence where there is one that does not.

    Nothing changes in a process that has imported what is compiled already.
    """
    fit = fits(built)
    if fit is False:
        return STALE
    if fit and not any(_is_compiled(name, built) for name in sys.modules):
        sys.path.append(str(built))  # for what the extension modules have in common
        for name in PACKAGES:
            folder = built.joinpath(*name.split("."))
            importlib.import_module(name).__path__.insert(0, str(folder))
    return ""


def _is_compiled(module: str, built: Path) -> bool:
    package, _, name = module.rpartition(".")
    return package in PACKAGES and any(built.joinpath(*package.split(".")).glob(f"{name}.*"))


def running_core() -> Core:
    """Return what this process runs, or will once it imports the core."""
    package = sys.modules.get("orderbook")
    first = Path(package.__path__[0]) if package is not None else ROOT / "orderbook"
    return Core.PURE if first == ROOT / "orderbook" else Core.COMPILED
