"""The only trainer: one cell in, one record out, whatever the model is."""
