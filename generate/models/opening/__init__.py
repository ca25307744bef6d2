"""Opening: a model from its folder, its file or the hub, laid into memory, and what is kept of it while it is open."""
