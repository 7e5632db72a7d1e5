"""The installed command: `orderbook-liquidity` does what `python main.py` does in a checkout.

Installed, all of the program lies in one package, so that no other one meets its `config` or `api`. Its parts
import each other as they do in a checkout, where this folder is the first on the path.
"""

import sys
from pathlib import Path


def main() -> int:
    """Run the program; return its exit code."""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from main import main as run

    return run()
