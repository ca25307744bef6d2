"""Gates: what every request passes before the page sees it: whose page sent it, the password, whose browser it is."""

from __future__ import annotations
