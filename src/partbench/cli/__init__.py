"""The command line: one thin file a verb. Nothing here imports torch before a verb needs it."""
