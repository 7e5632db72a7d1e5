"""Microstructure metrics of the top ten: pure functions and small state machines."""
