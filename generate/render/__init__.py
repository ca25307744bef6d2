"""Rendering a pair: both arms from one seed, with the proof that only the prompt differs."""
