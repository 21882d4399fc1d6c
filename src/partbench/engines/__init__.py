"""Engines run cells and know nothing of what a cell is: a folder with a spec goes in, a record
comes out. Each starts `partbench cell` or long-lived workers of the same code."""
