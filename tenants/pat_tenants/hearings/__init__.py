"""Days in court: how far each is prepared, by whichever side writes of it."""
