"""What a model costs and whether its parts are alive: one question a file."""
