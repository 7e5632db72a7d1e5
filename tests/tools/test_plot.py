"""The plot of the soak run."""

from xml.etree import ElementTree

from tests.tools.plot import svg, ticks


def test_ticks_are_round_and_within() -> None:
    """About five of them, whatever the size."""
    assert ticks(10) == [0, 2, 4, 6, 8, 10]
    assert ticks(730) == [0, 200, 400, 600]
    assert len(ticks(1e-6)) in range(3, 8)


def test_each_line_is_drawn_and_named() -> None:
    """The picture is XML, with a line and a name for each; names are escaped."""
    drawn = svg("a <title>", "min", "MiB", {"api": [(0, 50), (1, 51)], "<page>": [(0, 0), (1, 0)]})
    root = ElementTree.fromstring(drawn)  # noqa: S314 - our own
    assert len(root.findall("{*}polyline")) == 2
    assert {"api", "<page>", "a <title>"} <= {element.text for element in root.findall("{*}text")}
