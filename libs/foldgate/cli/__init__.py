"""The command line: one module per group of commands. Everything heavy is imported where it is used."""
