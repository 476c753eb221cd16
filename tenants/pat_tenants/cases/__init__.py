"""Cases: assignment, notes, legal proceedings and hearings."""
