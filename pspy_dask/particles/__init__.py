"""Floor 2: from labels to a table of particles."""
