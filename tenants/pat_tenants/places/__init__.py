"""Geography: states, districts, blocks, villages."""
