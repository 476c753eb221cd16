"""What is shared without a survivor's consent: on what, for how long, and who has looked at it."""
