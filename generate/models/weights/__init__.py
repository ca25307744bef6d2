"""Weights: what weight files say of themselves in their headers, and the tensors in them, however they are written."""
