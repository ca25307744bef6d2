"""The commands: one file each, named for it. A command reads its options, calls the other packages and prints.

Nothing heavy is imported at the top of a file here: every command is loaded for `twinseed --help`. `options` has the
options that several commands share, in bundles, `running` does what they ask for, `reference` writes the docs of all.
"""
