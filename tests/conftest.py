"""For all tests: what Python has compiled is kept, as it is where bulkexo is installed.

Containers like to switch that off, and then each of the thousands of processes that are started here would
compile the whole of bulkexo anew.
"""

from __future__ import annotations

import os
import sys

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
