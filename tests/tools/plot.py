"""Lines over time as an SVG: small enough to be written by hand, and to stand in docs."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 900, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 170, 40, 45
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
Points = Sequence[tuple[float, float]]


def ticks(most: float) -> list[float]:
    """Return about five round numbers from 0 to `most`."""
    rough = max(most, 1e-9) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [step * number for number in range(int(most / step + 1e-9) + 1)]


def svg(title: str, across: str, up: str, lines: Mapping[str, Points]) -> str:
    """Return the plot of `lines` by name; both axes begin at 0."""
    most_x = max(x for points in lines.values() for x, _ in points) or 1.0
    most_y = max(y for points in lines.values() for _, y in points) * 1.05 or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + x / most_x * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - y / most_y * (HEIGHT - TOP - BOTTOM),
        )

    def parts() -> Iterator[str]:
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
        )
        yield f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>'
        for tick in ticks(most_y):
            x, y = place(0, tick)
            yield f'<path d="M{x:.1f} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
            yield f'<text x="{x - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        for tick in ticks(most_x):
            x, y = place(tick, 0)
            yield f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">{tick:g}</text>'
        middle = (LEFT + WIDTH - RIGHT) / 2
        yield f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text>'
        yield f'<text x="14" y="{TOP - 8}">{escape(up)}</text>'
        for number, (name, points) in enumerate(lines.items()):
            colour = COLOURS[number % len(COLOURS)]
            path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in points)
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
            y = TOP + 18 * number
            yield f'<rect x="{WIDTH - RIGHT + 14}" y="{y - 9}" width="12" height="10" fill="{colour}"/>'
            yield f'<text x="{WIDTH - RIGHT + 32}" y="{y}">{escape(name)}</text>'
        yield "</svg>"

    return "\n".join(parts()) + "\n"
