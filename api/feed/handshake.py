"""How an engine and the API prove to each other that they know the feed's secret, which is never sent.

1. The API sends a challenge: a number that it never used before.
2. The engine answers with a number of its own and a proof over both.
3. The API, if that proof is right, answers with its own proof over both. Only then the engine delivers.

A proof is an HMAC (RFC 2104, SHA-256) over the role of who proves, the symbol and both numbers, so one
that was heard proves nothing again, and one that is sent back proves nothing to who made it. Pure: numbers
are passed in.
"""

import hmac
from typing import Final

import msgspec

NONCE_BYTES: Final = 32
MOST_BYTES: Final = 256  # of a message of the handshake
PATIENCE: Final = 5.0  # seconds for each step

_ENGINE: Final = b"engine"
_API: Final = b"api"


class Challenge(msgspec.Struct, frozen=True, tag="challenge"):
    """The API's first word."""

    nonce: bytes


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """The engine's."""

    nonce: bytes
    proof: bytes


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """The API's proof."""

    proof: bytes


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Challenge | Answer | Welcome).decode


def decode(data: bytes | str) -> Challenge | Answer | Welcome | None:
    """Return the message in `data`; None where it is none."""
    if isinstance(data, str) or len(data) > MOST_BYTES:
        return None
    try:
        message: Challenge | Answer | Welcome = _decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return message


def answer(secret: str, symbol: str, challenge: Challenge, nonce: bytes) -> Answer:
    """Return the engine's answer with a number that it never used before."""
    return Answer(nonce, _proof(secret, _ENGINE, symbol, challenge.nonce, nonce))


def is_engine(secret: str, symbol: str, challenge: Challenge, said: Answer) -> bool:
    """Say whether who answered so knows the secret."""
    proof = _proof(secret, _ENGINE, symbol, challenge.nonce, said.nonce)
    return len(said.nonce) == NONCE_BYTES and hmac.compare_digest(proof, said.proof)


def welcome(secret: str, symbol: str, challenge: Challenge, said: Answer) -> Welcome:
    """Return the API's proof."""
    return Welcome(_proof(secret, _API, symbol, challenge.nonce, said.nonce))


def is_api(secret: str, symbol: str, challenge: Challenge, said: Answer, shown: Welcome) -> bool:
    """Say whether who sent the challenge knows the secret."""
    proof = _proof(secret, _API, symbol, challenge.nonce, said.nonce)
    return len(challenge.nonce) == NONCE_BYTES and hmac.compare_digest(proof, shown.proof)


def _proof(secret: str, role: bytes, symbol: str, challenge: bytes, nonce: bytes) -> bytes:
    parts = (role, symbol.encode(), challenge, nonce)
    # With their lengths, so that no two different rows of parts make the same bytes.
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(secret.encode(), message, "sha256")
