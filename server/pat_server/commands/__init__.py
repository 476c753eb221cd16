"""The commands of ``pat``: one file each, and what they share."""
