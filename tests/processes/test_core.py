"""Which core runs: a build that fits, and never one of other sources."""

import importlib
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import main
from processes import core
from processes.core import FINGERPRINT, ROOT, SOURCES, STALE, Core, fingerprint, fits, use_compiled_core

SCRIPT = """\
import sys
from pathlib import Path
from processes.core import running_core, use_compiled_core
if sys.argv[2:]:
    import orderbook.retry_timer
complaint = use_compiled_core(Path(sys.argv[1]))
import orderbook.retry_timer
print(running_core(), getattr(orderbook.retry_timer, "BUILT", False), complaint)
"""


def _build(folder: Path, made_of: str) -> Path:
    """Return a folder that looks like a build: with one module, in Python, that says what it is."""
    (folder / "orderbook").mkdir(parents=True)
    (folder / "orderbook" / "retry_timer.py").write_text("BUILT = True\n", encoding="utf-8")
    (folder / FINGERPRINT).write_text(made_of, encoding="ascii")
    return folder


def _started_with(built: Path, *more: str) -> str:
    command = [sys.executable, "-c", SCRIPT, str(built), *more]
    ended = subprocess.run(  # noqa: S603 - our own
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return ended.stdout.strip()


def test_a_build_of_these_sources_runs(tmp_path: Path) -> None:
    """In the place of the sources that it has modules for."""
    assert _started_with(_build(tmp_path / "built", fingerprint())) == "compiled True"


def test_a_build_of_other_sources_does_not_run(tmp_path: Path) -> None:
    """And a sentence says so; likewise one that was never finished."""
    other = "0" * 64
    assert _started_with(_build(tmp_path / "built", other)) == f"pure False {STALE}"
    unfinished = _build(tmp_path / "unfinished", other)
    (unfinished / FINGERPRINT).unlink()
    assert _started_with(unfinished) == f"pure False {STALE}"


def test_without_a_build_nothing_is_said(tmp_path: Path) -> None:
    """The pure core is what comes by default."""
    assert _started_with(tmp_path / "none") == "pure False"


def test_a_process_never_runs_half_of_each(tmp_path: Path) -> None:
    """One that has imported of the core goes on with the sources."""
    assert _started_with(_build(tmp_path / "built", fingerprint()), "first") == "pure False"
    importlib.import_module("orderbook.retry_timer")
    assert use_compiled_core(tmp_path / "built") == ""
    assert str(tmp_path) not in str(sys.path)


@pytest.mark.parametrize("package", SOURCES)
def test_any_edit_makes_a_build_stale(package: str, tmp_path: Path) -> None:
    """A byte, a name, a new file or one that has gone, in all that compiled code depends on."""
    for name in SOURCES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    found = [fingerprint(tmp_path)]
    assert found[0] == fingerprint()
    file = max((tmp_path / package).glob("*.py"))
    file.write_bytes(file.read_bytes() + b"#\n")
    found.append(fingerprint(tmp_path))
    file = file.rename(file.with_name("zzz.py"))
    found.append(fingerprint(tmp_path))
    file.unlink()
    found.append(fingerprint(tmp_path))
    (tmp_path / package / "new.py").touch()
    found.append(fingerprint(tmp_path))
    assert len(set(found)) == len(found)


def test_another_python_makes_a_build_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot load the modules."""
    built = _build(tmp_path / "built", fingerprint())
    assert fits(built)
    monkeypatch.setattr(sysconfig, "get_config_var", lambda _name: ".cpython-399.so")
    assert fits(built) is False


@pytest.mark.parametrize(("supervisor", "times"), [("0", 1), ("1", 0)])
def test_the_program_says_once_that_a_build_is_stale(
    supervisor: str, times: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On one line of its log; the processes that it starts do not say it again."""
    monkeypatch.setattr(main, "use_compiled_core", lambda: STALE)
    monkeypatch.setenv("SUPERVISOR_PID", supervisor)
    monkeypatch.setattr(main, "_run", lambda _settings: None)
    assert main.main(["--source", "simulated"]) == 0
    assert [record.getMessage() for record in caplog.records].count(STALE) == times


def test_this_process_says_what_it_runs() -> None:
    """Tests run the sources, unless they are told otherwise."""
    import orderbook

    is_source = Path(orderbook.__path__[0]) == ROOT / "orderbook"
    assert core.running_core() is (Core.PURE if is_source else Core.COMPILED)
