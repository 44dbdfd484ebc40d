import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmpose.models.backbones import MobileNetV2
from torchvision.models import mobilenet_v2

TOOL = Path(__file__).resolve().parents[2] / 'tools/convert_mobilenetv2.py'


def load_tool():
    spec = importlib.util.spec_from_file_location('convert_mobilenetv2', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def old_names(model: torch.nn.Module) -> dict:
    """Name torchvision's tensors as it did before 2020, when blocks were flat."""
    state = {}
    for key, value in model.state_dict().items():
        words = key.split('.')
        if words[0] == 'features' and words[2] == 'conv':
            block = model.features[int(words[1])].conv
            # Today a convolution, its norm and its ReLU are nested one level deeper.
            before = sum(len(m) if isinstance(m, torch.nn.Sequential) else 1
                         for m in block[:int(words[3])])
            nested = isinstance(block[int(words[3])], torch.nn.Sequential)
            place = before + int(words[4]) if nested else before
            words = [*words[:3], str(place), *words[5 if nested else 4:]]
        state['.'.join(words)] = value
    return state


def test_converted_weights_give_the_same_features(tmp_path):
    torch.manual_seed(0)
    source = mobilenet_v2(weights=None).eval()
    torch.save(old_names(source), tmp_path / 'old.pt')
    subprocess.run([sys.executable, TOOL, tmp_path / 'new.pth', '--weights', tmp_path / 'old.pt'],
                   check=True, capture_output=True)
    target = MobileNetV2(out_indices=(1, 7))
    target.eval()
    loaded = torch.load(tmp_path / 'new.pth', weights_only=True)['state_dict']
    target.load_state_dict(loaded, strict=True)
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        early, last = target(image)
        torch.testing.assert_close(early, source.features[:4](image))
        torch.testing.assert_close(last, source.features(image))


def test_another_architecture_is_refused():
    with pytest.raises(ValueError, match='layer1.0.conv1'):
        load_tool().convert({'layer1.0.conv1.weight': torch.zeros(1)})
    with pytest.raises(ValueError, match='layers are missing'):
        load_tool().convert({'features.0.0.weight': torch.zeros(1)})
