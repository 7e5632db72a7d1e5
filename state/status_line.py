"""One line a symbol for a terminal."""

from state.frames import Frame, Status


def status_line(frame: Frame) -> str:
    """Return mid price, spread, update rate, latency and state of `frame` in columns."""
    health = frame.health
    rate = "" if health is None else f"{health.update_rate:.1f}/s"
    latency = health.latency_ms.median if health is not None else None
    delay = "" if latency is None else f"{latency:.0f} ms"
    source = "SIMULATED" if frame.source == "simulated" else frame.source
    if frame.status is Status.LIVE and frame.mid_price is not None:
        digits = 3 if frame.mid_price >= 10 else 7  # some contracts cost a fraction of a cent
        numbers = f"{frame.mid_price:>13,.{digits}f}  spread {frame.spread:<8.4g}"
        state = "LIVE"
    else:
        numbers = f"{'-':>13}  spread {'-':<8}"
        state = f"{frame.status.upper()}: {' '.join((frame.reason or '').split())}"
    return f"{frame.symbol:<10}{numbers} {rate:>8} {delay:>8}  {source}  {state}"
