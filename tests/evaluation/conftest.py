"""Let the tests of this folder and below import its helper modules in any import mode."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
