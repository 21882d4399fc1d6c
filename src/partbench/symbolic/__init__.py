"""The symbolic reasoning language: fewer than 600 tokens, a parser, a printer, a sound checker."""
