"""The Streamlit page: widgets only. It asks for jobs as the command line does, and shows the runs they leave."""

from __future__ import annotations

from compare.page.server import serve

__all__ = ["serve"]
