"""Labels: what codes are called, in the languages of the network."""
