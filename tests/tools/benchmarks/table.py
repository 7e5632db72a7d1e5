"""Markdown, as docs/measurements.md has it."""

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table: the first column flush left, the others flush right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "| " + " | ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ) + " |"
        for row in (head, *rows)
    ]  # fmt: skip
    rule = (
        "|"
        + "|".join("-" * (width + 1) + ("-" if not column else ":") for column, width in enumerate(widths))
        + "|"
    )
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def times(multiple: float) -> str:
    """Return a multiple with as many figures as it deserves."""
    return (
        f"{multiple:.0f}" if multiple >= 100 else f"{multiple:.1f}" if multiple >= 20 else f"{multiple:.2f}"
    )
