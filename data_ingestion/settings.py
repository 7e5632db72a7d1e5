"""What ingestion can be told: where the exchange is, and how patient to be with it."""

import msgspec


class ExchangeUrls(msgspec.Struct, frozen=True):
    """Base URLs of one exchange; a slash at the end does not matter."""

    public_ws: str  # depth streams
    market_ws: str  # trade streams
    rest: str

    @classmethod
    def on_loopback(cls, port: int, end: str = "") -> "ExchangeUrls":
        """Return those of an exchange that serves all routes at one port of this machine."""
        base = f"127.0.0.1:{port}"
        return cls(f"ws://{base}/public{end}", f"ws://{base}/market{end}", f"http://{base}{end}")


class IngestionSettings(msgspec.Struct, frozen=True):
    """Patience in seconds; the defaults are those of the program."""

    depth_silence: float = 5.0  # of the depth stream, after which it is connected anew
    trade_silence: float = 30.0
    queue_size: int = 1_000  # events of a stream that wait; beyond it the oldest are dropped
    answer_timeout: float = 5.0  # of each REST question
