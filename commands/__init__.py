"""The commands: one file each, in a room for what they are about. A command reads its options, calls the other packages
and prints.

Nothing heavy is imported at the top of a file here: every command is loaded for `twinseed --help`. `terminal` has what
all of them share, `program` is all of them together, `reference` writes their docs, `magic` brings them into notebooks.
"""
