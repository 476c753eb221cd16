"""The roof: the one place that assembles the application, and its command line."""
