"""The words for why something had to be made again."""

import pytest

from data_ingestion.causes import LIFETIME, Cause, cause_of
from data_ingestion.errors import ExchangeError, HttpRefusal, MalformedMessage, StreamSilent, Unreachable


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (StreamSilent("depth", 5), Cause.SILENT),
        (HttpRefusal("depth stream refused", 451), Cause.REFUSED),
        (MalformedMessage("snapshot", "no JSON"), Cause.MALFORMED),
        (Unreachable("depth stream not reachable", "no name"), Cause.UNREACHABLE),
        (Unreachable("depth stream closed", "1006", 0.0), Cause.CLOSED),
        (Unreachable("depth stream closed", "1001", LIFETIME - 1), Cause.CLOSED),
        (Unreachable("depth stream closed", "1001", LIFETIME), Cause.LIFETIME),
    ],
)
def test_each_failure_has_its_word(error: ExchangeError, cause: Cause) -> None:
    """A connection that ended at the exchange's age limit is told from one that broke."""
    assert cause_of(error) is cause


def test_the_words_are_distinct_labels() -> None:
    """Small letters only, so that they need no quoting anywhere."""
    assert all(cause.value.isalpha() and cause.value.islower() for cause in Cause)
