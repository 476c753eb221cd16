"""Who is calling, and what may be asked."""
