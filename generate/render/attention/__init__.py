"""Attention: which words each place of a picture looked at, in a U-Net or a transformer, and how that is shown.

Nothing is exported here: `figure` needs no torch, the others do, and `generate.render` gives each when it is asked for.
"""
