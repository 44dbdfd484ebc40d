"""Tools that a clone can run without being installed."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.mark.parametrize('tool', ['evaluate.py', 'convert_densepose_template.py',
                                  'benchmarks/diagnosis.py'])
def test_the_package_beside_the_tool_is_imported(tool, tmp_path):
    """A decoy stands where an installed package would be found."""
    (tmp_path / 'ktn_mm').mkdir()
    (tmp_path / 'ktn_mm' / '__init__.py').write_text('raise ImportError("the decoy")')
    done = subprocess.run([sys.executable, str(TOOLS / tool), '--help'], capture_output=True,
                          text=True, env=dict(os.environ, PYTHONPATH=str(tmp_path)))
    assert done.returncode == 0, done.stderr
    assert 'usage:' in done.stdout
