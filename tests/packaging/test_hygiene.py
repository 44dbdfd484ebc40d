"""What is tracked by git: nothing large, nothing of one machine."""
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 4 * 2**20
WEIGHTS_LIMIT = 20 * 10**6  # of a file in weights/
TEXT = {'.py', '.toml', '.txt', '.md', '.yml', '.yaml', '.json', '.cfg', '.in', '.sh', ''}
# Spelt in pieces so that this file does not hold what it looks for.
MACHINE_PATH = re.compile('|'.join([
    r'(?<![\w./-])/' + r'(?:work|root|home/\w+|opt/\w+)/\w', r'index' + r'-url\s*[= ]\s*http',
    r'files\.python' + r'hosted', r'/' + r'tmp/\w']))


@pytest.fixture(scope='module')
def tracked() -> list[Path]:
    """Return every file that git tracks and that is there."""
    listing = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:  # an unpacked archive has no history: look at all that is there
        names = [str(path.relative_to(ROOT)) for folder in ('ktn_mm', 'configs', 'tools', 'tests')
                 for path in (ROOT / folder).rglob('*')]
    else:
        names = listing.stdout.split('\0')
    files = [ROOT / name for name in names if name and (ROOT / name).is_file()]
    assert len(files) > 50
    return files


def test_no_file_is_large(tracked):
    sizes = {path: path.stat().st_size for path in tracked}
    assert {path: size for path, size in sizes.items() if size > (
        WEIGHTS_LIMIT if path.parent == ROOT / 'weights' else LIMIT)} == {}


def test_no_lock_file(tracked):
    names = {path.name for path in tracked}
    assert not {name for name in names if name.endswith('.lock')}
    assert not names & {'Pipfile.lock', 'package-lock.json', 'pylock.toml'}


def test_no_path_of_a_machine(tracked):
    found = []
    for path in tracked:
        if path.suffix in TEXT:
            for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
                if MACHINE_PATH.search(line):
                    found.append(f'{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}')
    assert found == []


@pytest.mark.parametrize('line', ['x = "/' + 'work/main"', '--index' + '-url https://x'])
def test_the_search_finds_what_it_should(line):
    assert MACHINE_PATH.search(line)
