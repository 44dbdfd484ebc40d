"""``python -m ktn_mm`` is the command ``ktn-mm``."""
import sys

from ktn_mm.cli import main

if __name__ == '__main__':
    sys.exit(main())
