"""Faults that are put into the detectors, in short; `mutants.py` beside it takes all of them."""

import inspect
from importlib import import_module

import pytest

from features.detectors.detection import Kind
from tests.tools.detection.mutants import MUTANTS, Case, Mutant, cases, found_in


@pytest.fixture(scope="module")
def known() -> list[Case]:
    """Return few small markets."""
    return cases(stories=20, noises=30, recording=False)


@pytest.mark.parametrize("kind", Kind)
def test_there_are_faults_of_each_kind(kind: Kind) -> None:
    """Five at least, each of a line that there is."""
    mutants = [mutant for mutant in MUTANTS if mutant.kind is kind]
    assert len(mutants) >= 5
    for mutant in mutants:
        assert mutant.good in inspect.getsource(import_module(f"features.detectors.{mutant.module}"))


@pytest.mark.parametrize("kind", Kind)
def test_a_fault_of_each_kind_is_found(kind: Kind, known: list[Case]) -> None:
    """Even by these few, at least two of each; and without a fault there is nothing to find."""
    mutants = [mutant for mutant in MUTANTS if mutant.kind is kind]
    assert sum(found_in(mutant, known) is not None for mutant in mutants) >= 2
    harmless = Mutant(kind, mutants[0].module, mutants[0].good, mutants[0].good)
    assert found_in(harmless, known) is None
