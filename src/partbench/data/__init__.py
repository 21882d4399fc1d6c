"""Text in, batches out: corpora, tokenizers, windows. Only batch.py needs torch."""
