"""Makes the tools beside the tests importable: the fake board, the faults, the proxy."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
