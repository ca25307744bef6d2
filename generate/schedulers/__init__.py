"""Schedulers: the table of their names, and those that diffusers does not have."""
