"""How good is the lamp? Simulated residents, held-out templates, baselines, costs."""
