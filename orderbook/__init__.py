"""Sequence rules and the book: pure, no I/O, no clock."""
