"""Commands of a class: many pairs are handed in, verified, and laid out for all."""
