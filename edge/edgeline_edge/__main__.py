"""`python -m edgeline_edge`."""

import sys

from edgeline_edge.cli import main

if __name__ == "__main__":
    sys.exit(main())
