"""Studies of trainings that are not ours: any command that takes a seed and prints a number, and
tables of runs that exist already."""
