"""What the exit statuses mean; scripts depend on the numbers."""

from typing import Final

EXIT_DONE: Final = 0
EXIT_FOUND: Final = 1
"""A check found something."""
EXIT_USAGE: Final = 2
EXIT_FAILED: Final = 3
EXIT_HELD: Final = 4
"""The store is held by another process."""
