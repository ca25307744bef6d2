"""What a class handed in: one bundle, many of them, what is in several, and all of it without names."""
