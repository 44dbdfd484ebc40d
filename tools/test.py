"""Test a network: ``python tools/test.py CFG CHECKPOINT``.

The options are those of mmpose's tools/test.py, and --format-only PREFIX, which computes no
figures but writes PREFIX.densepose.json for tools/evaluate.py or a challenge's server.
The same from an installed package: ``python -m ktn_mm.test`` or ``mim test ktn_mm``.
"""
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # a clone, or ktn_mm/.mim of an installed package
PACKAGE = ROOT / 'ktn_mm' if (ROOT / 'ktn_mm').is_dir() else ROOT.parent

if __name__ == '__main__':
    # By path, since importing the package takes seconds and this may start the process again.
    memory = runpy.run_path(str(PACKAGE / 'engine' / 'memory.py'))
    memory['restart_with_memory_settings']()

    sys.path.insert(0, str(PACKAGE.parent))
    from ktn_mm.engine.format_only import run_test_tool

    run_test_tool()
