"""Homework: many concepts made and handed in, a bundle that is checked, a class put together."""

from __future__ import annotations

from compare.page.screens.homework.screen import show_homework

__all__ = ["show_homework"]
