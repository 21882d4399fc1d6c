"""The pieces of the noise-key model, one idea a file; the model itself is `models/noise_key.py`."""
