"""The expanders: who can write the prompts, and who is asked."""

from ideation.expanders.catalog import *  # noqa: F403
