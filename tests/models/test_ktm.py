"""KTM: Eq. 4 by hand, who learns from the surface loss, folding, and a cache that is fresh."""
import copy

import numpy as np
import pytest
import torch

from ktn_mm.knowledge import SOURCES, build_graph
from ktn_mm.models.heads import KnowledgeTransferMachine
from ktn_mm.models.heads.ktm import kernel_to_rows, rows_to_kernel

C, K = 3, 4
D = C * K * K


def machine(**options):
    ktm = KnowledgeTransferMachine(C, **options)
    ktm.init_weights()
    return ktm


def kernels(requires_grad=False):
    return [torch.randn(C, n, K, K).requires_grad_(requires_grad) for n in (17, 15, 2)]


@pytest.fixture
def location_file(tmp_path):
    path = tmp_path / 'location.npz'
    np.savez(path, weights=np.random.default_rng(0).normal(size=(5, 10)).astype(np.float32))
    return str(path)


def test_rows_and_kernels_are_the_same_numbers():
    kernel = torch.randn(C, 5, K, K)
    rows = kernel_to_rows(kernel)
    assert rows.shape == (5, D)
    assert rows[3, (1 * K + 2) * K + 0] == kernel[1, 3, 2, 0]
    assert torch.equal(rows_to_kernel(rows, K), kernel)


@pytest.mark.parametrize('sources', [('keypoint', ), ('part', 'keypoint'), SOURCES])
@pytest.mark.parametrize('residual', [False, True])
def test_equation_4_by_hand(sources, residual):
    ktm = machine(sources=sources, residual=residual).double()
    if residual:
        torch.nn.init.normal_(ktm.residual)
    keypoint, part, mask = (k.double() for k in kernels())
    made = ktm(keypoint, part, mask)
    assert made.shape == (C, 25, K, K)

    rows = dict(keypoint=keypoint, part=part, location=mask[:, 1:] - mask[:, :1])
    for s in (0, 3, 17):  # the background, and two surfaces
        gathered = []
        for source in ('keypoint', 'location', 'part'):
            if source in sources:
                graph = build_graph(source)
                gathered += [
                    sum(float(graph[s, n]) * rows[source][c, n, i, j].item()
                        for n in range(graph.shape[1]))
                    for c in range(C) for i in range(K) for j in range(K)]
        gathered = torch.tensor(gathered, dtype=torch.float64)
        hidden = ktm.transform_in.weight @ gathered + ktm.transform_in.bias
        hidden = torch.where(hidden > 0, hidden, 0.2 * hidden)
        row = ktm.transform_out.weight @ hidden + ktm.transform_out.bias
        if residual:
            row = row + ktm.residual[s]
        torch.testing.assert_close(made[:, s].flatten(), row)


def test_three_surfaces_by_hand(tmp_path):
    # one channel, kernel 1, so that a predictor's row is one number: noses 2, left eyes 3
    graph = np.zeros((25, 17), np.float32)
    graph[1, 0], graph[2, 1], graph[3, :2] = 1, 1, (0.5, -1)
    np.savez(tmp_path / 'toy.npz', keypoint=graph)
    ktm = KnowledgeTransferMachine(1, 1, sources=('keypoint', ), graph=str(tmp_path / 'toy.npz'))
    ktm.load_state_dict({
        'graphs.keypoint': torch.from_numpy(graph),
        'transform_in.weight': torch.tensor([[2.]]), 'transform_in.bias': torch.tensor([-1.]),
        'transform_out.weight': torch.tensor([[10.]]), 'transform_out.bias': torch.tensor([7.])})
    keypoint = torch.zeros(1, 17, 1, 1)
    keypoint[0, 0], keypoint[0, 1] = 2, 3
    made = ktm(keypoint, torch.zeros(1, 15, 1, 1), torch.zeros(1, 2, 1, 1)).flatten()
    # gathered: 2, 3, 1 - 3 = -2; hidden: 3, 5, -5 -> -5 x 0.2 = -1; out: 37, 57, -3
    torch.testing.assert_close(made[1:4], torch.tensor([37., 57., -3.]))
    # nothing gathered: hidden -1 -> -0.2, out 5
    torch.testing.assert_close(made[[0, *range(4, 25)]], torch.full((22, ), 5.))


def test_the_kernel_is_float32_under_autocast():
    ktm, given = machine(), kernels()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = ktm(*given)
    assert found.dtype == torch.float32 and torch.equal(found, ktm(*given))


def test_without_transformer_it_is_the_mean_of_gathered_rows():
    ktm = machine(transform=False, sources=('keypoint', 'part'))
    keypoint, part, mask = kernels()
    expected = (torch.from_numpy(build_graph('keypoint')) @ kernel_to_rows(keypoint)
                + torch.from_numpy(build_graph('part')) @ kernel_to_rows(part)) / 2
    torch.testing.assert_close(kernel_to_rows(ktm(keypoint, part, mask)), expected)
    assert [n for n, _ in ktm.named_parameters()] == ['graphs.keypoint', 'graphs.part']


@pytest.mark.parametrize('learnable', [True, False])
def test_the_surface_loss_reaches_every_source(learnable):
    ktm = machine(learnable_graph=learnable, residual=True)
    inputs = kernels(True)
    ktm(*inputs).square().sum().backward()
    for kernel in inputs:
        assert kernel.grad.abs().amin(0).sum() > 0  # every row, not just some
    for name, parameter in ktm.named_parameters():
        if name.startswith('graphs') and not learnable:
            assert not parameter.requires_grad and parameter.grad is None
        else:
            assert parameter.grad.abs().sum() > 0, name


def test_location_from_a_file_is_frozen(location_file):
    ktm = machine(location_file=location_file)
    before = ktm.location.clone()
    inputs = kernels(True)
    ktm(*inputs).square().sum().backward()
    assert not ktm.location.requires_grad and ktm.location.grad is None
    assert inputs[2].grad is None  # the mask's predictor is no source any more
    assert inputs[0].grad.abs().sum() > 0 and ktm.graphs['location'].grad.abs().sum() > 0
    assert ktm.graphs['location'].shape == (25, 5)
    torch.optim.SGD(ktm.parameters(), 1.).step()
    assert torch.equal(ktm.location, before)
    changed = copy.deepcopy(ktm)
    changed.location += 1
    assert not torch.equal(changed(*inputs), ktm(*inputs))


def test_live_location_is_what_tells_person_from_background():
    ktm = machine(sources=('location', ))
    keypoint, part, mask = kernels()
    shifted = mask + torch.randn(C, 1, K, K)  # same softmax, so the same knowledge
    torch.testing.assert_close(ktm(keypoint, part, shifted), ktm(keypoint, part, mask),
                               rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('sources', [('keypoint', ), ('part', ), ('location', ), SOURCES])
def test_average_graph_makes_all_surfaces_equal(sources):
    inputs = kernels()
    # without the transformer the kernel is what was gathered
    gathered = kernel_to_rows(machine(graph='average', sources=sources, transform=False)(*inputs))
    keypoint, part, mask = (kernel_to_rows(k) for k in inputs)
    means = dict(keypoint=keypoint.mean(0), part=part[1:].mean(0), location=mask[1] - mask[0])
    expected = sum(means[source] for source in sources) / len(sources)
    torch.testing.assert_close(gathered[1:], expected.expand(24, -1))
    average = kernel_to_rows(machine(graph='average', sources=sources)(*inputs))[1:]
    torch.testing.assert_close(average, average[:1].expand(24, -1))
    semantic = kernel_to_rows(machine(sources=sources)(*inputs))[1:]
    apart = torch.cdist(semantic, semantic) + torch.eye(24) * 1e9
    assert apart.min() > 0  # and no two surfaces start alike


@pytest.mark.parametrize('recipe', ['paper', 'official'])
@pytest.mark.parametrize('transform', [True, False])
@pytest.mark.parametrize('learnable', [True, False])
def test_recipe_transformer_and_fixed_graph_go_together(recipe, transform, learnable):
    ktm = machine(recipe=recipe, transform=transform, learnable_graph=learnable)
    for source in SOURCES:
        expected = torch.from_numpy(build_graph(source, recipe=recipe))
        assert torch.equal(ktm.graphs[source], expected)
        assert ktm.graphs[source].requires_grad == learnable
    assert sum(p.numel() for n, p in ktm.named_parameters() if n.startswith('transform')) == (
        (3 * D + 1) * D + (D + 1) * D if transform else 0)
    assert ktm(*kernels()).shape == (C, 25, K, K)


def test_eval_keeps_the_kernel_and_drops_it_in_time():
    ktm = machine().eval()
    inputs = kernels()
    calls = []
    make = ktm.make_kernel
    ktm.make_kernel = lambda *args: calls.append(1) or make(*args)

    def fresh():
        with torch.no_grad():
            made = ktm(*inputs)
        torch.testing.assert_close(made, make(*inputs).detach(), rtol=0, atol=0)

    fresh(), fresh()
    assert len(calls) == 1
    for parameter in ktm.parameters():
        parameter.grad = torch.ones_like(parameter)
    torch.optim.SGD(ktm.parameters(), 0.1).step()  # while in eval mode
    fresh()
    assert len(calls) == 2
    inputs[0].add_(1)  # a source's live predictor
    fresh()
    ktm.transform_in.weight.data.mul_(0.5)  # unseen by version counters: EMA does this
    fresh()
    ktm.load_state_dict({k: v * 2 for k, v in ktm.state_dict().items()})
    fresh()
    ktm.graphs['part'].data = torch.rand_like(ktm.graphs['part'])
    fresh()
    ktm.train().eval()
    fresh()
    assert len(calls) == 7
    # single rows and numbers, unseen by version counters too
    inputs[0].data[:, 9] *= 2
    fresh()
    inputs[1].data[:, 5] *= 2
    fresh()
    inputs[2].data[0, 1, 0, 0] += 1
    fresh()
    ktm.graphs['part'].data[5, 3] += 1
    fresh()
    assert len(calls) == 11
    assert ktm(*inputs).requires_grad  # with gradients nothing is kept
    assert len(calls) == 12


def test_state_dict_round_trip(location_file):
    first = machine(location_file=location_file, residual=True)
    second = machine(location_shape=(5, 10), residual=True)
    assert not torch.equal(second.location, first.location)
    second.load_state_dict(first.state_dict(), strict=True)
    inputs = kernels()
    assert torch.equal(first(*inputs), second(*inputs))


def test_no_training_without_the_location_that_a_checkpoint_was_to_bring(location_file):
    ktm, inputs = machine(location_shape=(5, 10)), kernels()
    assert ktm.eval()(*inputs).isfinite().all()  # counting operations needs no weights
    with pytest.raises(ValueError, match='none was loaded'):
        ktm.train()(*inputs)
    ktm.load_state_dict(machine(location_file=location_file).state_dict())
    ktm(*inputs)


def test_graph_from_a_file(tmp_path):
    path = tmp_path / 'graph.npz'
    arrays = {s: np.random.default_rng(1).uniform(size=build_graph(s).shape) for s in SOURCES}
    np.savez(path, **arrays)
    ktm = machine(graph=str(path))
    for source in SOURCES:
        np.testing.assert_allclose(ktm.graphs[source].detach(), arrays[source], rtol=1e-6)
    np.savez(path, keypoint=arrays['part'])
    with pytest.raises(ValueError, match=r'keypoint has shape \(25, 15\)'):
        machine(graph=str(path), sources=('keypoint', ))
    np.savez(path, keypoint=np.full((25, 17), np.nan))
    with pytest.raises(ValueError, match='keypoint holds numbers that are not finite'):
        machine(graph=str(path), sources=('keypoint', ))
    with pytest.raises(ValueError, match="graph.npz: no array 'part', only .*keypoint"):
        machine(graph=str(path), sources=('part', ))
    with pytest.raises(FileNotFoundError, match='nothing.npz'):
        machine(graph='nothing.npz')
    with pytest.raises(ValueError, match='an .npz file, got None'):
        machine(graph=None)


def test_wrong_arguments_are_named(location_file, tmp_path):
    for sources in (('keypoint', 'face'), (), ('part', 'part')):
        with pytest.raises(ValueError, match=r"different ones of \('keypoint', .*got"):
            machine(sources=sources)
    with pytest.raises(ValueError, match='recipe'):
        machine(recipe='secret')
    with pytest.raises(ValueError, match="recipe='official' is of no use"):
        machine(graph='average', recipe='official')
    with pytest.raises(ValueError, match="need 'location'"):
        machine(sources=('part', ), location_file=location_file)
    with pytest.raises(ValueError, match='rows of length 48'):
        machine(transform=False, location_file=location_file)
    with pytest.raises(FileNotFoundError, match='none.npz'):
        machine(location_file='none.npz')
    np.savez(tmp_path / 'bad.npz', rows=np.zeros(3))
    with pytest.raises(ValueError, match="no array 'weights'"):
        machine(location_file=str(tmp_path / 'bad.npz'))
    machine(location_file=location_file, location_shape=[5, 10])  # as --cfg-options gives it
    with pytest.raises(ValueError, match=r'must be \(rows, length\), got \(5,\)'):
        machine(location_shape=[5])
    with pytest.raises(ValueError, match=r'location_shape says \(4, 10\)'):
        machine(location_file=location_file, location_shape=(4, 10))


def test_files_of_another_kind_are_refused(tmp_path):
    np.save(tmp_path / 'array.npy', np.zeros((25, 17)))
    (tmp_path / 'text.npz').write_text('keypoint: 3')
    np.savez(tmp_path / 'objects.npz', keypoint=np.array([None]), weights=np.array([None]))
    np.savez(tmp_path / 'words.npz', keypoint=np.array(['nose']), weights=np.array([['nose']]))
    for name, fault in (('objects.npz', 'Object arrays'), ('words.npz', 'holds <U4, not numbers')):
        with pytest.raises(ValueError, match=f'{name}: .*{fault}'):
            machine(graph=str(tmp_path / name))
        with pytest.raises(ValueError, match=f'{name}: .*{fault}'):
            machine(location_file=str(tmp_path / name))
    for name in ('array.npy', 'text.npz'):
        with pytest.raises(ValueError, match=f'{name}: not an .npz file'):
            machine(graph=str(tmp_path / name))
        with pytest.raises(ValueError, match=f'{name}: not an .npz file'):
            machine(location_file=str(tmp_path / name))


@pytest.mark.parametrize('which, name', [(0, 'keypoint'), (1, 'part'), (2, 'mask')])
def test_kernels_of_another_shape_are_refused(which, name):
    inputs = kernels()
    inputs[which] = inputs[which][:, :-1]
    with pytest.raises(ValueError, match=rf'channels=3.*{name} kernel of \(3, .*got \(3, '):
        machine()(*inputs)
    with pytest.raises(ValueError, match=r'keypoint kernel of \(4, 17, 4, 4\), got \(3, 17, 4, 4'):
        KnowledgeTransferMachine(4)(*kernels())
