"""Floor 2: from an image to numbered labels."""
