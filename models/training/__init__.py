"""Training: from people to weights, with a record of what was done and how good it is."""
