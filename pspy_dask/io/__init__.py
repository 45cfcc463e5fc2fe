"""Floor 3: sources that images are read from, sinks that results are written to."""
