"""Screens: each at an address of its own. They ask for jobs as the command line does, and show the runs they leave."""

from __future__ import annotations
