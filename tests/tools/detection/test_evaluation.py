"""The detectors on staged patterns, in short; `evaluate.py` beside it is the long version."""

import pytest

from data_ingestion.simulated_exchange.staging.patterns import Pattern
from tests.tools.detection.scenarios import Scenario, play
from tests.tools.detection.scores import Score, Share

PATTERNS = 4
SEED = 7


@pytest.mark.parametrize("kind", Pattern)
def test_staged_patterns_are_told_from_their_near_misses(kind: Pattern) -> None:
    """On both symbols, nine in ten patterns are flagged, and nine in ten flags are about a pattern."""
    runs = [play(Scenario(kind, symbol, SEED, PATTERNS)) for symbol in ("BTCUSDT", "ETHUSDT")]
    score = Score.of(runs)
    assert (score.staged, score.near_misses) == (2 * PATTERNS, 2 * PATTERNS)
    assert score.recall.value >= 0.9, score.missed
    assert score.precision.value >= 0.9, score.false
    assert score.right_endings == score.endings
    assert (score.endings > 0) == (kind is Pattern.WALL)


def test_wilsons_interval_is_the_textbooks() -> None:
    """Eight of ten give 0.490 to 0.943, all of twenty 0.839 to 1, and nothing says nothing."""
    assert Share(8, 10).interval() == pytest.approx((0.490, 0.943), abs=5e-4)
    assert Share(20, 20).interval() == pytest.approx((0.839, 1.0), abs=5e-4)
    assert Share(0, 0).interval() == (0.0, 1.0)
