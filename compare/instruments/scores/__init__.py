"""Scores: what is found out about every pair without being asked, from its own pictures alone."""
