"""Fresh processes: what importing the package does, and what a broken stack says."""
import subprocess
import sys
from pathlib import Path

import pytest

import ktn_mm
from ktn_mm import get_config_path

ROOT = Path(__file__).resolve().parents[2]
CLASSES = {
    'MODELS': ['TopdownDensePoseEstimator', 'MultiInstanceDecoder', 'DensePoseHead'],
    'DATASETS': ['DensePoseCocoDataset'],
    'TRANSFORMS': ['DensePoseRandomFlip', 'DensePoseTopdownAffine'],
    'KEYPOINT_CODECS': ['DensePoseCodec'],
    'METRICS': ['DensePoseCocoMetric'],
    'HOOKS': ['ProgressBarHook'],
}
BLOCK = 'import sys; sys.modules.update(dict.fromkeys({names!r}))\n'  # None: not to be found


def fresh(code: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    """Run code in a new process that can import the package."""
    prefix = f'import sys; sys.path.insert(0, {str(ROOT)!r})\n'
    return subprocess.run([sys.executable, '-W', 'ignore', '-c', prefix + code], cwd=cwd,
                          capture_output=True, text=True)


def test_a_config_registers_everything(tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text("default_scope = 'mmpose'\n"
                      "custom_imports = dict(imports=['ktn_mm'], allow_failed_imports=False)\n")
    run = fresh(f"""
from mmengine.config import Config
Config.fromfile({str(config)!r})
import mmpose.registry
for registry, names in {CLASSES!r}.items():
    for name in names:
        found = getattr(mmpose.registry, registry).get(name)
        assert found is not None and found.__module__.startswith('ktn_mm.'), name
print('all')
""")
    assert run.stdout.endswith('all\n'), run.stderr


def test_a_plain_import_registers_too_and_knows_its_metafile():
    run = fresh("""
import ktn_mm
from mmpose.registry import MODELS
from mmengine.config.utils import MODULE2PACKAGE
print('DensePoseHead' in MODELS, MODULE2PACKAGE['ktn_mm'], 'ktn_mm.apis' in sys.modules)
""")
    assert run.stdout.splitlines() == ['True ktn_mm False'], run.stderr  # and nothing of mmdet's


def test_the_numpy_floor_needs_no_openmmlab():
    run = fresh(BLOCK.format(names={'torch', 'mmengine', 'mmcv', 'mmpose', 'mmdet'}) + """
import ktn_mm, ktn_mm.surface.charts, ktn_mm.surface.template, ktn_mm.knowledge, ktn_mm.synth
import ktn_mm.check_env, ktn_mm.structures
try:
    ktn_mm.require_openmmlab()
except ImportError as error:
    print(error)
""")
    assert run.returncode == 0, run.stderr
    assert 'mmpose' in run.stdout and 'python -m ktn_mm.check_env' in run.stdout


def test_a_config_on_a_broken_stack_says_what_to_do(tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text("custom_imports = dict(imports=['ktn_mm'], allow_failed_imports=False)\n")
    run = fresh(BLOCK.format(names={'xtcocotools'}) + f"""
from mmengine.config import Config
Config.fromfile({str(config)!r})
""")
    assert run.returncode == 1
    assert 'xtcocotools' in run.stderr and 'python -m ktn_mm.check_env' in run.stderr


@pytest.mark.parametrize('name', ['256x192', '256x192.py', 'crops/256x192.py'])
def test_config_paths_are_found_by_name(name):
    assert Path(get_config_path(name)).parts[-4:] == ('configs', '_base_', 'crops', '256x192.py')


def test_an_unknown_config_lists_near_names():
    with pytest.raises(FileNotFoundError, match='baseline_res50'):
        get_config_path('baselin_res5O')


LOADED = "[name for name in ('torch', 'mmengine', 'mmpose') if name in sys.modules]"


@pytest.mark.parametrize('argv, loaded', [
    (['/somewhere/bin/ktn-mm', 'infer'], []), (['-m'], ['torch', 'mmengine', 'mmpose']),
    ([''], ['torch', 'mmengine', 'mmpose'])])
def test_the_command_leaves_the_stack_alone_until_it_needs_it(argv, loaded):
    run = fresh(f"""
sys.argv = {argv!r}
import ktn_mm.cli
print({LOADED})
ktn_mm.require_openmmlab()
from mmpose.registry import MODELS
print('DensePoseHead' in MODELS)
""")
    assert run.stdout.splitlines() == [str(loaded), 'True'], run.stderr


def test_a_config_registers_in_a_script_of_any_name(tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text("custom_imports = dict(imports=['ktn_mm'], allow_failed_imports=False)\n")
    run = fresh(f"""
sys.argv = ['bin/ktn-mm']
from mmengine.config import Config
Config.fromfile({str(config)!r})
from mmpose.registry import MODELS
print('DensePoseHead' in MODELS)
""")
    assert run.stdout.endswith('True\n'), run.stderr


def test_the_module_run_as_a_command_leaves_it_alone_too():
    run = subprocess.run([sys.executable, '-W', 'ignore', '-X', 'importtime', '-m', 'ktn_mm',
                          '--version'], cwd=ROOT, capture_output=True, text=True)
    names = {line.rpartition('|')[2].strip() for line in run.stderr.splitlines()}
    assert run.returncode == 0 and run.stdout.strip() == ktn_mm.__version__
    assert 'ktn_mm.cli' in names and not names & {'torch', 'mmengine', 'mmpose'}


def test_standalone_leaves_the_stack_alone():
    run = fresh(f"""
import os
os.environ['KTN_MM_STANDALONE'] = '1'
import ktn_mm.evaluation
print({LOADED})
""")
    assert run.returncode == 0, run.stderr
    assert run.stdout.split('\n')[0] == '[]'
