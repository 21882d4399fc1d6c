"""A lamp that listens, learns from its switch, and switches by itself when it is sure."""
