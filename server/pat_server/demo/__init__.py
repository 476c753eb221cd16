"""The demo network: invented organisations and people, the same every time, dated from the day on which they are loaded."""
