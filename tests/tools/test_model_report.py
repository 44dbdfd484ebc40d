"""The report's tables, its page, and what it says when something does not fit."""
import re
import runpy
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
LEAVES = 'configs/densepose_topdown'
DEMO = f'{LEAVES}/ktn_mobilenetv2_1xb16-demo_open-body-128x96.py'


@pytest.fixture
def report(monkeypatch, capsys):
    """Return a runner of the tool, in this process: it gives what was printed, and the problem."""

    def run(*args: str) -> tuple[str, str | None]:
        monkeypatch.chdir(ROOT)
        monkeypatch.setenv('KTN_MM_MALLOC', 'default')  # or the process would start again
        monkeypatch.setattr(sys, 'argv', ['model_report.py', *args])
        threads = torch.get_num_threads()
        try:
            runpy.run_path(str(ROOT / 'tools' / 'model_report.py'), run_name='__main__')
        except SystemExit as end:
            printed = capsys.readouterr()
            return printed.out, f'{printed.err}{end}'
        finally:
            torch.set_num_threads(threads)
        return capsys.readouterr().out, None

    return run


def rows(text: str) -> list[list[str]]:
    """Return the cells of every table row below a head."""
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in text.splitlines()
            if re.match(r'\|.*\d', line)]


def test_tables_and_page(report, tmp_path):
    page = tmp_path / 'new' / 'models.md'
    backbone = dict(_delete_=True, type='ResNet', depth=18, stem_channels=4, base_channels=4,
                    out_indices=(0, 1, 2, 3))
    for name, head in (('ktn', {}), ('mid', dict(ktm=None))):
        model = dict(backbone=backbone, neck=dict(in_channels=(4, 8, 16, 32)), head=head)
        (tmp_path / f'{name}_tiny_1xb1-1e_dolls.py').write_text(
            f'_base_ = {str(ROOT / DEMO)!r}\nmodel = {model!r}\n')
    small = str(tmp_path / 'ktn_tiny_1xb1-1e_dolls.py')
    out, problem = report(
        small, str(tmp_path / 'mid*.py'), '--size', '64x32', '--markdown', str(page),
        '--time', small, '--rounds', '1', '--batch-size', '1')
    assert problem is None
    printed = rows(out)
    assert [row[:2] for row in printed] == [
        ['ktn_tiny', '64x32'], ['mid_tiny', '64x32'], ['ktn_tiny', '64x32'],
        ['mid_tiny', '64x32'], ['ktn_tiny', '64x32']]
    for row in printed[:4]:
        *parts, trained, folded = map(float, row[2:])
        assert sum(parts) == pytest.approx(trained, abs=0.021)
        # KTM goes, and leaves a predictor of 25 surfaces
        assert trained - folded == pytest.approx(parts[3], abs=0.05)
    assert float(printed[0][5]) > 4 and float(printed[1][5]) == 0
    step, plain, ratio, neck, *inference = printed[4][2:]
    assert float(ratio) == pytest.approx(float(step) / float(plain), rel=0.3)
    assert 0 < float(neck.strip('%')) < 100 and len(inference) == 3
    written = page.read_text()
    assert rows(written) == printed
    assert f'python tools/model_report.py {small}' in written and '--size 64x32' in written


@pytest.mark.parametrize('args, message', [
    (('nothing-*.py', ), 'nothing-*.py: no such file'),
    (('README.md', ), 'README.md: OSError: Only py'),
    (('configs/_base_/runtime.py', ), 'runtime.py: not a config of a dense-pose network'),
    ((DEMO, '--size', '48x64'), 'multiples of 32; input_size is (64, 48)'),
    ((DEMO, '--size', '48'), "must look like 256x192, got '48'"),
    ((DEMO, '--rounds', '0'), "must be a positive number, got '0'")], ids=lambda v: str(v)[:20])
def test_problems_are_said_in_one_line(args, message, report):
    out, problem = report(*args)
    assert message in problem and not rows(out)
    assert 'Traceback' not in problem


@pytest.mark.parametrize('name', [
    'ktn_mobilenetv2', pytest.param('*', marks=pytest.mark.slow)], ids=['small', 'all'])
def test_page_in_docs_is_what_the_tool_says(name, report):
    page = (ROOT / 'docs' / 'models.md').read_text()
    command = re.search(r'tools/model_report\.py (.*)', page)[1]
    pattern = re.search(r"'(configs/\S+)'", command)[1].replace('*_8xb32', f'{name}_8xb32')
    out, problem = report(pattern)
    assert problem is None
    documented, counted = rows(page), rows(out)
    assert len(counted) >= 2 and all(row in documented for row in counted)
