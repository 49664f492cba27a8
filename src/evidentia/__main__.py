"""``python -m evidentia``."""

from evidentia.cli import main

if __name__ == "__main__":
    main()
