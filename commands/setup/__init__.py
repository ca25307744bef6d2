"""Commands about what is set up here: what there is, what of it can be named, and the page that it serves."""
