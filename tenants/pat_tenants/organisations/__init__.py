"""The organisations of the network."""
