"""A study: a question declared before it runs, planned, bought cell by cell, and answered."""
