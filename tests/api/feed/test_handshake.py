"""How both sides of the feed prove that they know its secret."""

import msgspec
import pytest

from api.feed import handshake
from api.feed.handshake import (
    MOST_BYTES,
    NONCE_BYTES,
    Answer,
    Challenge,
    Welcome,
    answer,
    decode,
    encode,
    is_api,
    is_engine,
    welcome,
)

SECRET, SYMBOL = "a secret", "BTCUSDT"
CHALLENGE, NONCE = Challenge(b"c" * NONCE_BYTES), b"n" * NONCE_BYTES
ANSWER = answer(SECRET, SYMBOL, CHALLENGE, NONCE)
WELCOME = welcome(SECRET, SYMBOL, CHALLENGE, ANSWER)


def test_who_knows_the_secret_is_known() -> None:
    """Both ways, and over the wire."""
    said = decode(encode(ANSWER))
    assert isinstance(said, Answer)
    assert is_engine(SECRET, SYMBOL, CHALLENGE, said)
    shown = decode(encode(WELCOME))
    assert isinstance(shown, Welcome)
    assert is_api(SECRET, SYMBOL, CHALLENGE, ANSWER, shown)


@pytest.mark.parametrize(
    ("secret", "symbol", "challenge"),
    [
        ("another", SYMBOL, CHALLENGE),
        (SECRET, "ETHUSDT", CHALLENGE),
        (SECRET, SYMBOL, Challenge(b"d" * NONCE_BYTES)),
    ],
)
def test_a_proof_is_of_one_secret_symbol_and_challenge(
    secret: str, symbol: str, challenge: Challenge
) -> None:
    """What was heard on another connection proves nothing on this."""
    assert not is_engine(secret, symbol, challenge, ANSWER)
    assert not is_api(secret, symbol, challenge, ANSWER, WELCOME)


def test_a_proof_that_is_sent_back_proves_nothing() -> None:
    """Neither the engine's as the API's, nor the other way round."""
    assert not is_api(SECRET, SYMBOL, CHALLENGE, ANSWER, Welcome(ANSWER.proof))
    assert not is_engine(SECRET, SYMBOL, CHALLENGE, Answer(NONCE, WELCOME.proof))


def test_numbers_that_are_too_short_are_no_challenge() -> None:
    """A side that chooses its number freely must not make the other's proof one of few."""
    short = answer(SECRET, SYMBOL, CHALLENGE, b"")
    assert not is_engine(SECRET, SYMBOL, CHALLENGE, short)
    few = Challenge(b"")
    said = answer(SECRET, SYMBOL, few, NONCE)
    assert not is_api(SECRET, SYMBOL, few, said, welcome(SECRET, SYMBOL, few, said))


@pytest.mark.parametrize(
    "data", ["text", b"", b"\xff" * 10, b"x" * (MOST_BYTES + 1), msgspec.msgpack.encode({"type": "other"})]
)
def test_what_is_no_message_of_it_is_none(data: bytes | str) -> None:
    """No garbage raises anything."""
    assert decode(data) is None
    assert len(handshake.encode(ANSWER)) <= MOST_BYTES
