"""Drawing concepts: word lists, wildcards, patterns and the randomizer."""
