"""One module a command: `arguments(parser)` says what it takes, `run(arguments)` gives its exit status."""
