import hashlib
from pathlib import Path

import pytest
import torch
import yaml

from ktn_mm import get_config_path
from ktn_mm.apis.detection import DEFAULT, find_detector
from ktn_mm.apis.model_zoo import INDEX, find_model, names_of_task

SHIPPED = 'ktn_res50_1xb32-60e_open-body-256x192'


@pytest.fixture
def index(tmp_path):
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs/small.py').write_text('')
    (tmp_path / 'small.pth').write_text('')
    (tmp_path / 'configs/metafile.yml').write_text('''
Models:
- {Name: small_model, Alias: [small, tiny], Config: configs/small.py, Weights: small.pth}
- {Name: far_model, Config: configs/small.py, Weights: 'https://example.org/far.pth'}
- {Name: bare_model, Alias: bare, Config: configs/small.py}
''')
    path = tmp_path / 'model-index.yml'
    path.write_text('Import: [configs/metafile.yml]\n')
    return path


@pytest.mark.parametrize('name', ['small_model', 'small', 'tiny'])
def test_a_name_or_alias_stands_for_config_and_weights(index, name):
    config, checkpoint = find_model(name, index=index)
    assert config == str(index.parent / 'configs/small.py')
    assert checkpoint == str(index.parent / 'small.pth')


def test_weights_may_be_far_away_or_the_users_own(index, tmp_path):
    assert find_model('far_model', index=index)[1] == 'https://example.org/far.pth'
    (tmp_path / 'own.pth').write_text('')
    assert find_model('small', str(tmp_path / 'own.pth'), index)[1] == str(tmp_path / 'own.pth')


def test_a_shipped_config_is_found_by_its_name(tmp_path):
    (tmp_path / 'own.pth').write_text('')
    assert find_model(SHIPPED, str(tmp_path / 'own.pth'))[0] == get_config_path(SHIPPED)


def test_what_lacks_weights_says_so(index):
    for name in ('bare', SHIPPED):
        with pytest.raises(ValueError, match=f'{name}: no weights are published'):
            find_model(name, index=index)
    with pytest.raises(FileNotFoundError, match='nowhere.pth: no such checkpoint'):
        find_model('small', 'nowhere.pth', index)


def test_a_mistyped_name_brings_up_models_and_no_fragments_of_configs(index, tmp_path):
    with pytest.raises(FileNotFoundError, match='near: ktn-mobilenetv2-open-body, '):
        find_model('ktn-mobilenetv2-openbody')
    with pytest.raises(FileNotFoundError, match='near: small_model, '):
        find_model('smal_model', index=index)
    with pytest.raises(FileNotFoundError) as caught:
        find_model('ktn_mobilenetv2_restart-1xb16-10e_open-body-v1-192x12')
    near = str(caught.value).split('near: ')[1].split(', ')
    assert len(near) == len(set(near)) == 3
    with pytest.raises(FileNotFoundError, match='not a config of ktn_mm .*near: ') as caught:
        find_model('ktn_mobilenetv2', str(tmp_path / 'small.pth'))
    assert 'ktn_mobilenetv2,' not in str(caught.value).split('near: ')[1]


def test_the_named_detector_is_mmposes_default():
    config, checkpoint = find_detector(DEFAULT, None)
    assert 'rtmdet_m' in config and 'person' in config
    assert checkpoint.startswith('https://') and 'rtmdet_m' in checkpoint
    assert find_detector(DEFAULT, 'own.pth')[1] == 'own.pth'


def test_shipped_weights_are_those_of_the_metafile():
    metafile = INDEX.resolve().parent / 'weights' / 'metafile.yml'
    for entry in yaml.safe_load(metafile.read_text())['Models']:
        config, checkpoint = find_model(entry['Name'])
        assert Path(config).stem == entry['Name'] == Path(checkpoint).stem
        content = Path(checkpoint).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry['SHA256'] and len(content) <= 2 * 10**7
        assert 'state_dict' in torch.load(checkpoint, weights_only=True)


def test_a_detector_is_found_by_name():
    assert 'rtmdet-tiny-open-body' in names_of_task('Object Detection')
    assert find_detector('rtmdet-tiny-open-body', None) == find_model('rtmdet-tiny-open-body')
