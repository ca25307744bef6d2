"""The networks of Seedling: their make, how each of them is trained, and how they are written to a model folder."""
