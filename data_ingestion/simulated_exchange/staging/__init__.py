"""Patterns that are staged on a simulated market for the detectors, with a record of what was staged."""
