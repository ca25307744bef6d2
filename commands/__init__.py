"""The commands: one file each, named for it. A command reads its options, calls the other packages and prints.

Nothing heavy is imported at the top of a file here: every command is loaded for `twinseed --help`. `options` has the
option types that several commands share, `concepts` and `settings` turn options into values, `running` does a job.
"""
