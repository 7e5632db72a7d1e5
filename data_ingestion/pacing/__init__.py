"""How long to wait, how often to ask, and how the clocks compare. Pure: times are passed in."""
