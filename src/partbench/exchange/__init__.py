"""In and out of the ecosystem: Hugging Face, ONNX, trackers."""
