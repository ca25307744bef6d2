"""Expanders that ask a language model."""
