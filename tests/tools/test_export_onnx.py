"""The tool that writes ONNX files: what it says, and what it refuses."""
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from ktn_mm.apis import onnx_export
from ktn_mm.apis.onnxruntime_backend import OnnxruntimeBackend

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'export_onnx.py'


@pytest.fixture
def export(monkeypatch, capsys):
    """Return a runner of the tool: it gives what was printed, and the problem if there is one."""

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
        try:
            runpy.run_path(str(TOOL), run_name='__main__')
        except SystemExit as end:
            return capsys.readouterr().out, str(end)
        return capsys.readouterr().out, None
    return run


def test_the_file_is_written_and_stays(export, config, checkpoint, tmp_path):
    out = tmp_path / 'new' / 'model.onnx'
    said, problem = export(config, checkpoint, out, '--cfg-options',
                           'model.test_cfg.score=box*dense')
    assert problem is None and 'largest difference' in said
    backend = OnnxruntimeBackend(str(out))
    assert (backend.recipe.score, backend.recipe.input_size) == ('box*dense', (96, 128))
    image = np.full((90, 120, 3), 128, np.uint8)
    for count in (1, 3):
        crops = [backend.crop(image, np.float32([10, 5, 40, 85]), 1.)] * count
        assert len(backend.estimate(crops)) == count
    before = out.read_bytes()
    assert 'exists already' in export(config, checkpoint, out)[1]
    assert out.read_bytes() == before


def test_a_file_that_differs_is_not_written(export, config, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, 'PARITY', 1e-12)
    out = tmp_path / 'model.onnx'
    problem = export(config, checkpoint, out)[1]
    assert 'was not written: onnxruntime differs from PyTorch' in problem
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('args, reason', [
    (['CONFIG', 'none.pth', 'x.onnx'], 'none.pth: no such checkpoint'),
    (['ktn_nothing', 'CHECKPOINT', 'x.onnx'], 'is not a config'),
    (['CONFIG', 'CHECKPOINT', 'x.pt'], 'must end in .onnx'),
    (['CONFIG', 'CHECKPOINT', 'x.onnx', '--cfg-options', 'flip'], 'takes KEY=VALUE'),
])
def test_errors_are_one_line(export, config, checkpoint, tmp_path, monkeypatch, args, reason):
    monkeypatch.chdir(tmp_path)
    known = dict(CONFIG=config, CHECKPOINT=checkpoint)
    _, problem = export(*(known.get(arg, arg) for arg in args))
    assert problem.startswith('error: ') and reason in problem and '\n' not in problem
