"""What an answer of the exchange asks of us."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.rest import retry_after_seconds
from tests.builders import property_settings
from tests.data_ingestion.fakes import http_date

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((), None),
        (("0",), 0.0),
        (("7",), 7.0),
        ((" 7 ",), 7.0),
        (("120", "30"), 120.0),
        (("rubbish", "30"), 30.0),
        ((http_date(NOW + 30),), 30.0),
        ((http_date(NOW - 30),), 0.0),
        (("",), None),
        (("soon",), None),
        (("-5",), None),
        (("1.5",), None),
        (("²",), None),
        (("9" * 400,), None),
        (("Mon, 01 Jan 99999999999999999999 00:00:00 GMT",), None),
        (("Mon, 01 Jan 2024 00:00:00 +99999999999999999999",), None),
        (("Mon, 32 Jan 2024 00:00:00 GMT",), None),
    ],
)
def test_retry_after_is_read(headers: tuple[str, ...], seconds: float | None) -> None:
    """Seconds and dates are understood, and rubbish is as good as no header."""
    assert retry_after_seconds(headers, http_date(NOW)) == seconds


NEARLY_A_DATE = st.lists(
    st.sampled_from(["Mon,", "01", "Jan", "2024", "00:00:00", "GMT", "+9999", "9" * 30, "-", ":", "", "²"])
).map(" ".join)


@property_settings(300)
@given(st.lists(NEARLY_A_DATE | st.text(st.characters(max_codepoint=255)), max_size=3))
def test_no_retry_after_is_worse_than_rubbish(headers: list[str]) -> None:
    """Any header at all gives a finite wait or none."""
    seconds = retry_after_seconds(headers, http_date(NOW))
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))
