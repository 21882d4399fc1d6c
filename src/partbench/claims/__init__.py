"""Published statements as studies that can be run, with their recorded verdicts."""
