"""What survivors agree to share, and that they do no longer."""
