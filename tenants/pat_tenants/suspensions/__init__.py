"""Partners whom the secretariat has suspended in the whole network."""
