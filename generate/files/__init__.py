"""Picture files: what stands in them, of our own and of other programs."""
