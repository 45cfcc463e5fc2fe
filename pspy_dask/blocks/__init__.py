"""Floor 1: the chunk grid as integers, and the one place that builds task graphs."""
