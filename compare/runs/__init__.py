"""Runs: the record of a run, and the gallery that keeps it."""
