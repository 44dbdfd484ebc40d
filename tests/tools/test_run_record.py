"""A folder goes on only with a run of the same things, and loses no other."""
import runpy
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'run_record.py'
run_record = runpy.run_path(str(TOOL))
claim, digest = run_record['claim'], run_record['digest']
NOW = dict(config='a', options=['x=1'], pictures=dict(train=3))


def trained(folder):
    (folder / 'last_checkpoint').write_text('epoch_1.pth')
    (folder / 'epoch_1.pth').write_text('weights')


def test_the_same_run_goes_on(tmp_path):
    out = tmp_path / 'new' / 'run'
    assert claim(out, NOW) is None
    assert claim(out, NOW) is None, 'interrupted before its first checkpoint'
    trained(out)
    assert 'going on' in claim(out, dict(NOW))
    assert (out / 'epoch_1.pth').exists() and [p.name for p in out.parent.iterdir()] == ['run']


def test_another_run_is_put_aside(tmp_path):
    out = tmp_path / 'run'
    for number in range(1, 4):
        claim(out, NOW)
        trained(out)
        told = claim(out, NOW | dict(config='b', options=[]))
        assert '(config, options)' in told and f'run_{number}' in told
        assert [p.name for p in out.iterdir()] == ['made_of.json']
        assert (tmp_path / f'run_{number}' / 'epoch_1.pth').read_text() == 'weights'
        claim(out, NOW)
        (tmp_path / f'run_{number + 1}').rename(tmp_path / f'second_{number}')


def test_a_run_of_unknown_origin_is_put_aside(tmp_path):
    trained(tmp_path)
    out = tmp_path / 'linked'
    real = tmp_path / 'real'
    real.mkdir()
    trained(real)
    out.symlink_to(real)
    (real / 'made_of.json').write_text('{')
    assert 'origin unknown' in claim(out, NOW)
    assert (tmp_path / 'real_1' / 'epoch_1.pth').exists()
    assert [p.name for p in out.iterdir()] == ['made_of.json']


def test_the_current_folder_is_not_moved(tmp_path, monkeypatch):
    (tmp_path / 'below').mkdir()
    monkeypatch.chdir(tmp_path / 'below')
    trained(tmp_path)
    with pytest.raises(ValueError, match='holds another run'):
        claim(tmp_path, NOW)
    assert (tmp_path / 'epoch_1.pth').exists()


def test_digest_sees_names_and_contents_in_any_order(tmp_path):
    one, other = tmp_path / 'one', tmp_path / 'other'
    one.write_text('1')
    other.write_text('2')
    first = digest([one, other], tmp_path)
    assert digest([other, one], tmp_path) == first != digest([one], tmp_path)
    one.write_text('2')
    other.write_text('1')
    assert digest([one, other], tmp_path) != first
