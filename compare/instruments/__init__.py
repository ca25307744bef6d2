"""Instruments: what can be found out about a rendered pair."""
