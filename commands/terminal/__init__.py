"""The terminal, as every command shares it: options that are typed, what completes them, what is said and shown."""
