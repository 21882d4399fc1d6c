"""What everything else stands on: names, sizes, roles, random streams, configuration, errors."""
