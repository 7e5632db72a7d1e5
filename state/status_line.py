"""One line a symbol for a terminal."""

from state.frames import Frame, Status


def status_line(frame: Frame) -> str:
    """Return state and source of `frame`, which no terminal is too narrow for, then what is known in columns.

    The first word is the state. That of a frame which is not live is followed by its reason, by no number.
    """
    source = "SIMULATED" if frame.source == "simulated" else frame.source
    begin = f"{frame.status.upper():<8}{source:<10} {frame.symbol:<10}"
    if frame.status is not Status.LIVE or frame.mid_price is None:
        return f"{begin} {' '.join((frame.reason or '').split())}"
    health = frame.health
    rate = "" if health is None else f"{health.update_rate:.1f}/s"
    latency = health.latency_ms.median if health is not None else None
    delay = "" if latency is None else f"{latency:.0f} ms"
    digits = 3 if frame.mid_price >= 10 else 7  # some contracts cost a fraction of a cent
    price = f"{frame.mid_price:,.{digits}f}"
    return f"{begin} {price:>13}  spread {frame.spread:<8.4g} {rate:>8} {delay:>8}".rstrip()
