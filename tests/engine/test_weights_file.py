"""What is written for others: nothing but weights, as small as asked for."""
import hashlib

import pytest
import torch

from ktn_mm.engine.weights_file import plain_meta, write_weights


def layer():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3), torch.nn.BatchNorm2d(64))


def test_half_precision_is_half_as_large_and_loads_into_the_model(tmp_path):
    model = layer()
    meta = dict(epoch=3, dataset_meta=dict(classes=['person']))
    write_weights(tmp_path / 'full.pth', model.state_dict())
    digest = write_weights(tmp_path / 'new' / 'half.pth', model.state_dict(), meta, half=True)
    half = tmp_path / 'new' / 'half.pth'
    assert digest == hashlib.sha256(half.read_bytes()).hexdigest()
    assert half.stat().st_size < .75 * (tmp_path / 'full.pth').stat().st_size
    content = torch.load(half, weights_only=True)
    assert content['meta'] == meta
    # Counters stay whole numbers.
    assert {t.dtype for t in content['state_dict'].values()} == {torch.half, torch.long}
    again = layer()
    again.load_state_dict(content['state_dict'])
    assert again[0].weight.dtype == torch.float
    torch.testing.assert_close(again[0].weight, model[0].weight, rtol=1e-3, atol=1e-6)
    assert not torch.equal(again[0].weight, model[0].weight)


def test_a_view_does_not_bring_what_it_looks_at(tmp_path):
    write_weights(tmp_path / 'a.pth', {'a': torch.zeros(1_000_000)[:10]})
    assert (tmp_path / 'a.pth').stat().st_size < 10_000


@pytest.mark.parametrize('value, half, reason', [
    (float('nan'), False, 'bad: not finite'),
    (70_000., True, 'bad: not finite in half precision')])
def test_weights_that_would_be_wrong_are_refused(tmp_path, value, half, reason):
    with pytest.raises(ValueError, match=reason):
        write_weights(tmp_path / 'a.pth', {'good': torch.ones(2), 'bad': torch.tensor([value])},
                      half=half)
    assert not (tmp_path / 'a.pth').exists()


def test_meta_must_be_plain(tmp_path):
    with pytest.raises(TypeError, match='meta inner.thing: ndarray'):
        write_weights(tmp_path / 'a.pth', {}, dict(inner=dict(thing=torch.ones(1).numpy())))


def test_of_a_training_run_stays_what_others_need():
    meta = dict(cfg='data_root = "/somewhere"', seed=3, time='now', epoch=7, iter=70,
                dataset_meta=dict(classes=('person', ), palette=[(1, 2, 3)]))
    assert plain_meta(dict(meta=meta, optimizer={})) == dict(
        epoch=7, iter=70, dataset_meta=dict(classes=['person']))
    assert plain_meta(dict(state_dict={})) == {}
