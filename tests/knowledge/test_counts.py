"""Counting of pairs in Visual Genome's format."""
import io
import json

import numpy as np
import pytest

from ktn_mm.knowledge import Node, count_relationships, load_counts, pair_matrix


def end(name, field='name'):
    return {field: [name] if field == 'names' else name}


@pytest.mark.parametrize('chunk', [7, 1 << 20])
def test_stream_of_relationships(chunk, monkeypatch):
    from ktn_mm.knowledge import counts as module
    stream = module._json_items
    monkeypatch.setattr(module, '_json_items', lambda file: stream(file, chunk))
    images = [
        dict(image_id=1, relationships=[
            dict(subject=end('hand'), object=end('Arm ')),
            dict(subject=end('arm', 'names'), object=end('hand')),
            dict(subject=end('hand'), object=end('table'))]),
        dict(image_id=2, relationships=[]),
        dict(image_id=3, relationships=[dict(subject=end('arm'), object=end('arm'))])]
    found = count_relationships(io.StringIO(json.dumps(images, indent=1)), ['hand', 'arm'])
    assert found == {frozenset(['hand', 'arm']): 2, frozenset(['arm']): 1, frozenset(['hand']): 0}


def test_broken_stream_is_an_error():
    with pytest.raises(ValueError, match='end before their list does'):
        count_relationships(io.StringIO('[{"relationships": []}'), ['hand'])
    with pytest.raises(ValueError, match='must be a JSON list'):
        count_relationships(io.StringIO('{"a": 1}'), ['hand'])
    with pytest.raises(ValueError, match="broken JSON, Expecting value, after .*ships"):
        count_relationships(io.StringIO('[{"relationships": oops}]'), ['hand'])
    with pytest.raises(ValueError, match=r'every image must have.*objects'):
        count_relationships(io.StringIO('[{"objects": []}]'), ['hand'])
    with pytest.raises(ValueError, match='every image must have "relationships"'):
        count_relationships(io.StringIO('[{"relationships": null}]'), ['hand'])
    for empty in ('[]', '[{"relationships": []}]'):
        with pytest.raises(ValueError, match='no relationship'):
            count_relationships(io.StringIO(empty), ['hand'])
    for names in ('{"a": 1}', '3'):
        with pytest.raises(ValueError, match='"names" of an object must be a list'):
            count_relationships(io.StringIO(
                f'[{{"relationships": [{{"subject": {{"names": {names}}}}}]}}]'), ['hand'])
    for relation in ('"hand"', '{"subject": null, "object": {"name": "arm"}}'):
        with pytest.raises(ValueError, match='every relationship must join'):
            count_relationships(io.StringIO(f'[{{"relationships": [{relation}]}}]'), ['hand'])


def test_broken_item_does_not_take_the_rest_of_the_file():
    class Endless(io.StringIO):
        given = 0

        def read(self, size=-1):
            self.given += size
            return '[{"relationships": [' + '{"a": "b"}; ' * (size // 12) if self.given == size \
                else ' ' * size

    stream = Endless()
    with pytest.raises(ValueError, match='broken JSON'):
        count_relationships(stream, ['hand'])
    assert stream.given < 1 << 25


def test_both_ends_must_match():
    wrist, hand = Node('full', 'left', 'full', 'wrist'), Node('full', 'left', 'full', 'hand')
    arm = Node('lower', 'left', 'front', 'arm')
    counts = {frozenset(['hand']): 46, frozenset(['hand', 'arm']): 43,
              frozenset(['hand', 'table']): 900, frozenset(['wrist', 'glove']): 5,
              frozenset(['hand', 'glove']): 899}
    # wrist-hand: hand stands for wrist (46), glove for hand (5); never both at once
    assert pair_matrix([wrist], [hand, arm], counts).tolist() == [[51, 43]]
    known = pair_matrix([wrist], [hand, arm], {frozenset(['hand']): 0})
    assert known[0, 0] == 0 and np.isnan(known[0, 1])


def test_count_file_errors(tmp_path):
    path = tmp_path / 'counts.json'
    path.write_text('{"pairs": {"hand|arm": 3, "arm": 2}}')
    with pytest.raises(ValueError, match="counts.json: pairs\\['arm'\\]"):
        load_counts(path)
    for text in ('{}', '[1, 2]', '{"pairs": 3}'):
        path.write_text(text)
        with pytest.raises(ValueError, match='counts.json: no table'):
            load_counts(path)
    path.write_text('{"pairs": ')
    with pytest.raises(ValueError, match='counts.json: no JSON'):
        load_counts(path)
    with pytest.raises(FileNotFoundError):
        load_counts(tmp_path / 'none.json')
