"""The shapes of log that ``generate_logs.py`` writes. Standard library only."""
