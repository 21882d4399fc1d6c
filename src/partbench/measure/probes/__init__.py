"""What goes on inside a model: pure functions of a model and a batch, one question a file."""
