"""The core compiled: the same frames to the byte, the same structs, and its own tests."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from processes.core import BUILT, ROOT, Core, fits
from tests.builders import EXAMPLES_SHARE
from tests.tools.compile_core import compiled_modules, what_is_missing
from tests.tools.with_core import FOLDER

MISSING = what_is_missing()
PATIENCE = 600.0
STRUCTS = """\
import importlib, json, msgspec, sys
from pathlib import Path
from processes.core import PACKAGES, ROOT
found, compiled = {}, []
for package in PACKAGES:
    for file in sorted((ROOT / package.replace(".", "/")).glob("[!_]*.py")):
        module = importlib.import_module(f"{package}.{file.stem}")
        if not module.__file__.endswith(".py"):
            compiled.append(file.relative_to(ROOT).as_posix())
        for name, struct in vars(module).items():
            if isinstance(struct, type) and issubclass(struct, msgspec.Struct):
                config = struct.__struct_config__
                said = {part: repr(getattr(config, part)) for part in dir(config) if part[0] != "_"}
                found[f"{module.__name__}.{name}"] = [*struct.__struct_fields__, said]
print(json.dumps([compiled, found]))
"""

pytestmark = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"), reason=f"the core cannot be compiled here without {MISSING}"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a build of the sources as they are."""
    if fits(BUILT):
        return BUILT
    folder = tmp_path_factory.mktemp("compiled") / "core"
    said = _run([sys.executable, "-m", "tests.tools.compile_core", "--into", str(folder)])
    assert f"{len(compiled_modules())} modules compiled" in said
    return folder


def _run(command: list[str], **more: str) -> str:
    ended = subprocess.run(  # noqa: S603 - our own
        command,
        cwd=ROOT,
        env=os.environ | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def _with_core(which: Core, built: Path, *command: str, **more: str) -> str:
    return _run(
        [sys.executable, "-m", "tests.tools.with_core", which, *command], **{FOLDER: str(built)}, **more
    )


def test_frames_are_the_same_to_the_byte(built: Path) -> None:
    """Frames, ladders, chunks and news, of books large and small."""
    pure, compiled = (
        _with_core(core, built, "tests.tools.frame_digest", "--messages", "600") for core in Core
    )
    assert compiled == pure
    assert " 61 seconds: " in pure


def test_structs_are_what_they_are_in_python(built: Path, tmp_path: Path) -> None:
    """Modules without one are compiled; the others keep what mypyc would drop, as frozen and gc."""
    script = tmp_path / "structs.py"
    script.write_text(STRUCTS, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    pure, compiled = (
        json.loads(
            _run(
                [sys.executable, "-m", "tests.tools.with_core", core, "structs"],
                **{FOLDER: str(built), "PYTHONPATH": path},
            )
        )
        for core in Core
    )
    assert pure[0] == []
    assert sorted(compiled[0]) == sorted(file.as_posix() for file in compiled_modules())
    assert compiled[1] == pure[1]
    assert compiled[1]["orderbook.findings.TopOfBook"][-1]["frozen"] == "True"


SUBCLASSING = ("--ignore=tests/features/detectors/test_definitions.py",)

HOT = """
orderbook side book_state book_keeper synchronizer sequence_validator rounding
features basic_metrics level_ofi liquidity_detection ofi
features/detectors absorption baseline event_time exhaustion iceberg layering sweep traded_level wall
state engine updates
"""


def test_the_hot_modules_are_compiled() -> None:
    """A struct that is put into one of them would leave all of it uncompiled, and nobody would notice."""
    names = {file.as_posix() for file in compiled_modules()}
    for line in HOT.split("\n"):
        folder, *modules = line.split() or [""]
        assert {f"{folder}/{module}.py" for module in modules} <= names


def test_the_tests_of_the_core_pass_on_the_compiled_one(built: Path) -> None:
    """All but those that listen by a class made of the engine, which a compiled one does not allow."""
    tests = ("tests/orderbook", "tests/features", "tests/state", "-x", *SUBCLASSING)
    said = _with_core(Core.COMPILED, built, "pytest", *tests, **{EXAMPLES_SHARE: "0.25"})
    assert "100%" in said
