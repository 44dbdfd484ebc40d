"""The seed of an epoch: the same after a restart, another one in every epoch and run."""
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ktn_mm.engine import EpochSeedHook


def draws(seed: int, epoch: int) -> tuple:
    EpochSeedHook().before_train_epoch(SimpleNamespace(seed=seed, epoch=epoch))
    return random.random(), np.random.random(), torch.rand(1).item()


@pytest.fixture(autouse=True)
def keep_the_generators():
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])


def test_a_restarted_epoch_draws_the_same():
    first = draws(1, 3)
    draws(0, 0)
    assert draws(1, 3) == first


@pytest.mark.parametrize('seed', [2**31 - 1, 20_261_128])
def test_seeds_may_be_as_large_as_those_that_mmengine_draws(seed):
    assert draws(seed, 0) != draws(seed, 1) != draws(1, 0)


def test_epochs_and_seeds_differ():
    seen = [draws(seed, epoch) for seed in range(4) for epoch in range(4)]
    for generator in zip(*seen):
        assert len(set(generator)) == 16
