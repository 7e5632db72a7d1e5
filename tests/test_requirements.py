"""That all which is installed is pinned, with hashes, and is what the direct requirements ask for."""

import hashlib
import json
import re
from importlib.metadata import distributions

import pytest
from packaging.markers import Marker

from tests.program import ROOT

NAMES = ("requirements", "requirements-dev")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\\s]+)(?: *;([^\\\n#]+))?", re.MULTILINE)
OF_PYTHON_ITSELF = {"pip", "setuptools", "wheel"}  # come with a virtual environment


def canonical(name: str) -> str:
    """Return a package's name as packages are compared by."""
    return re.sub("[-_.]+", "-", name).lower()


def pins(file: str) -> dict[str, str]:
    """Return the versions that a file of requirements pins for this Python on this system."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return {
        canonical(name): version
        for name, version, marker in PINNED.findall(text)
        if not marker or Marker(marker.strip()).evaluate()
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_pins_are_of_the_direct_requirements_as_they_are(name: str) -> None:
    """`make pins` writes the hash of what it read; each direct requirement has its version, and a reason."""
    source, made = (ROOT / f"{name}.in").read_bytes(), (ROOT / f"{name}.txt").read_text(encoding="utf-8")
    assert hashlib.sha256(source).hexdigest() in made, f"{name}.in has changed: run `make pins`"
    direct = pins(f"{name}.in")
    assert direct
    assert direct.items() <= pins(f"{name}.txt").items()
    lines = [line for line in source.decode().splitlines() if "==" in line]
    assert [line for line in lines if "  # " not in line] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_pin_has_hashes_and_none_names_a_place(name: str) -> None:
    """Nothing else than what was seen when it was pinned is ever installed, wherever it comes from."""
    made = (ROOT / f"{name}.txt").read_text(encoding="utf-8")
    assert "://" not in made
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", re.sub("(?m)^ *#.*$", "", made))[1:]
    assert len(entries) == len(PINNED.findall(made))
    assert [entry.split("==")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_what_runs_is_tested_at_the_same_versions() -> None:
    """The tests' environment has the program's own pins."""
    assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()


def test_nothing_is_installed_that_is_not_pinned() -> None:
    """Of the environment that runs these tests."""
    pinned = pins("requirements-dev.txt")
    installed = {canonical(found.metadata["Name"]): found.version for found in distributions()}
    others = {name: version for name, version in installed.items() if pinned.get(name) != version}
    assert others.keys() - OF_PYTHON_ITSELF - {"atheris"} == set()


def test_what_checks_the_page_is_pinned_as_well() -> None:
    """To one version each, the locked one, with hashes. The program itself needs none of it."""
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert "dependencies" not in wanted
    direct = wanted["devDependencies"]
    assert [name for name, version in direct.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in text
    locked = json.loads(text)["packages"]
    assert locked.pop("")["devDependencies"] == direct, "package.json has changed: run `npm install`"
    assert {name: locked[f"node_modules/{name}"]["version"] for name in direct} == direct
    assert [name for name, package in locked.items() if not package["integrity"].startswith("sha512-")] == []
