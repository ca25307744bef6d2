"""The offline expander: templates and word tables, no model and no network."""
