"""Tiny models of the families of transformers: diffusers' own classes with random weights, loud enough for words to
matter, saved as the makers save theirs. A file for each kind of model that reads the words, and a table of all."""

from tiny_families.mistral import rewriting_model
from tiny_families.table import BUILDERS, save_tiny

__all__ = ["BUILDERS", "rewriting_model", "save_tiny"]
