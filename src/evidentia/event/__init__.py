"""What an event is: strict JSON verdicts, timestamps, field maps, positions. Pure.

This room touches no file, clock, network or database.
"""
