"""Near-shallow models: bit-ciphers, explicit warm starts, self-attentive feed-forward units."""
