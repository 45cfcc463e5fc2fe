"""Floor 4: the whole job on a cluster: progress, checkpoints, report."""
