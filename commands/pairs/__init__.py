"""Commands that make pairs of pictures, look closer at them, and find them again: one pair, or a study of many."""
