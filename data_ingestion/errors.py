"""What can go wrong with the exchange: one small tree, and the one place that says what to do about it."""

import enum
from typing import Final


class ExchangeError(Exception):
    """Something between us and the exchange failed; `str()` is a sentence for a person."""


class MalformedMessage(ExchangeError):
    """A message that is not what the exchange documents: counted, and survived."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"malformed {kind}: {detail}")
        self.kind = kind
        self.detail = detail


class StreamSilent(ExchangeError):
    """A stream whose connection is open delivered nothing for `seconds`."""

    def __init__(self, stream: str, seconds: float) -> None:
        super().__init__(f"the {stream} stream was silent for {seconds:g} s")
        self.stream = stream
        self.seconds = seconds


class Unreachable(ExchangeError):
    """No usable reply: connection refused or lost, name not found, time-out.

    `lasted` is for how many seconds there was a connection; None where none could be made.
    """

    def __init__(self, what: str, detail: str, lasted: float | None = None) -> None:
        super().__init__(f"{what}: {detail}")
        self.what = what
        self.detail = detail
        self.lasted = lasted


class HttpRefusal(ExchangeError):
    """The exchange answered with an HTTP error: `status`, and `retry_after` seconds where it named them.

    `code` is the exchange's own number for what is wrong with the question; 0 where it gave none. It may come
    with a status that says that all is well.
    """

    def __init__(self, what: str, status: int, retry_after: float | None = None, code: int = 0) -> None:
        super().__init__(f"{what}: {_http_words(status, retry_after, code)}")
        self.what = what
        self.status = status
        self.retry_after = retry_after
        self.code = code


TOO_MANY_REQUESTS: Final = -1003
"""The exchange's own number for it, and for a ban."""


class UnknownSymbol(ExchangeError):
    """The exchange does not list `symbol` (its error code -1121)."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"the exchange knows no symbol {symbol}")
        self.symbol = symbol


class Action(enum.Enum):
    """What a failure calls for."""

    RETRY = "retry"  # again after the usual backoff, and not before `retry_after`
    GIVE_UP = "give up"  # no retry can help


def classify(error: ExchangeError) -> Action:
    """Return what to do about `error`."""
    return Action.GIVE_UP if isinstance(error, UnknownSymbol) else Action.RETRY


def retry_after(error: ExchangeError) -> float:
    """Return the seconds before which the exchange wants no further try; 0 where it did not say."""
    if isinstance(error, HttpRefusal) and error.retry_after is not None:
        return error.retry_after
    return 0.0


def is_ban(error: ExchangeError) -> bool:
    """Say whether the exchange wants no request from this address for a while."""
    return isinstance(error, HttpRefusal) and (
        error.status in (_BANNED, _LIMITED) or error.code == TOO_MANY_REQUESTS
    )


def names_wait(error: ExchangeError) -> bool:
    """Say whether the exchange named a wait; one of no time at all is none."""
    return retry_after(error) > 0


def least_ban(error: ExchangeError) -> float:
    """Return the least seconds to keep away where a ban names no end."""
    return 120.0 if isinstance(error, HttpRefusal) and error.status == _BANNED else 10.0


_LIMITED: Final = 429
_BANNED: Final = 418


def _http_words(status: int, retry_after: float | None, code: int) -> str:
    wait = "" if retry_after is None else f"; it asks to wait {retry_after:g} s"
    if status == 451:
        return (
            "HTTP 451, the exchange does not serve this region. Use a network from which it is allowed, "
            "or a proxy named in HTTPS_PROXY (NO_PROXY lists exceptions), or --source simulated" + wait
        )
    if status == 403:
        return (
            "HTTP 403, the exchange's firewall refuses this network. Wait some minutes, or use another "
            "network or a proxy named in HTTPS_PROXY (NO_PROXY lists exceptions), or --source simulated"
            + wait
        )
    if status in (_BANNED, _LIMITED) or code == TOO_MANY_REQUESTS:
        banned = "this address is banned for a while" if status == _BANNED else "too many requests"
        return f"HTTP {status}, {banned}{wait}"
    if status < 400:
        return (
            f"HTTP {status}, where the exchange would have none, as a network's login or block page answers. "
            "Log in to the network or use another, or --source simulated" + wait
        )
    return f"HTTP {status}{wait}"
