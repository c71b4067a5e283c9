"""`python -m edgeline_serving`."""

import sys

from edgeline_serving.cli import main

sys.exit(main())
