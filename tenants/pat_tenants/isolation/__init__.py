"""The wall: what a reach means in SQL, the renderer of policies, the doors, the lint."""
