"""Safety holds: what is hidden from a survivor's own view, for her safety."""
