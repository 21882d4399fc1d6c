"""`python -m partbench`."""

from partbench.cli.main import main

main()
