"""Files in: which logs there are, what they hold, whether they are still the same.

Foreign logs are opened read-only, in ``opening`` and nowhere else; nothing here ever writes.
"""
