"""Turn the plain dict of a finished or running study into pages that a stranger can read.

Everything here works from `report.json` alone: no torch, no model, no ledger.
"""
