"""For all tests: thousands of processes are started here, and none does what it need not do each time."""

from __future__ import annotations

import os
import sys

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What Python has compiled is kept, as it is where bulkexo is installed: containers like to switch that off.

os.environ["SSL_CERT_FILE"] = os.devnull
# The system's certificates serve nobody here, and every process would read them two to four times.
