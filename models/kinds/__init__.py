"""Models of every kind: taken from MLflow by their flavour, turned into one graph, and proved."""
