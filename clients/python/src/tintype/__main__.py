"""`python -m tintype`."""

import sys

from tintype.cli import main

sys.exit(main())
