import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktn_mm.evaluation import json_list
from ktn_mm.evaluation.json_list import iterate_list

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner,
                                                                max_size=3), max_leaves=8)


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / 'list.json'
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path
    return write


@pytest.fixture(scope='module')
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp('lists') / 'list.json'


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 1]), st.booleans(),
       st.integers(1, 9))
def test_equals_json_load_wherever_the_file_is_cut(scratch, values, indent, plain, chunk):
    scratch.write_text(json.dumps(values, indent=indent, ensure_ascii=plain), encoding='utf-8')
    kept = json_list.CHUNK
    json_list.CHUNK = chunk
    try:
        assert [value for value, _ in iterate_list(scratch)] == values
    finally:
        json_list.CHUNK = kept


def test_places_rise_to_the_size_of_the_file(file, monkeypatch):
    monkeypatch.setattr(json_list, 'CHUNK', 64)
    path = file(json.dumps([{'text': 'x' * 50}] * 100))
    places = [place for _, place in iterate_list(path)]
    assert places == sorted(places) and places[0] < 300 and places[-1] == path.stat().st_size


@pytest.mark.parametrize('content, words', [
    ('', 'it holds nothing'), ('  {"annotations": []}', 'it holds an object'),
    ('7', 'something else'), ('[1, 2', "neither ',' nor ']' after an entry at character 6"),
    ('[1 2]', "neither ',' nor"), ('[1, ]', 'Expecting value at character 4'),
    ('[', 'Expecting value at character 1'), ('[{"a": 1, "b', 'Unterminated string'),
    ('[1] 2', 'text after the list'), ('[{"a" 1}]', "Expecting ':' delimiter at character 6"),
    (b'[\xff]', 'utf-8'), ('[' * 200000, 'too deeply'), ('[' + '9' * 5000 + ']', 'limit')])
@pytest.mark.parametrize('chunk', [3, json_list.CHUNK])
def test_what_is_no_list(file, monkeypatch, content, words, chunk):
    monkeypatch.setattr(json_list, 'CHUNK', chunk)
    with pytest.raises(ValueError, match='(?s)' + words.replace('[', r'\[')):
        list(iterate_list(file(content)))


def test_a_fault_is_found_where_it_is(file, monkeypatch):
    """A broken record near the start must not be kept until the whole file is in memory."""
    monkeypatch.setattr(json_list, 'CHUNK', 256)
    path = file('[{"a": x' + ' ' * 100000 + '}]')
    read = []
    monkeypatch.setattr(json_list, 'open', lambda *args: _Counting(path, read), raising=False)
    with pytest.raises(ValueError, match='Expecting value at character 7'):
        list(iterate_list(path))
    assert sum(read) < 1000


class _Counting:
    def __init__(self, path, read):
        self.file, self.counts = open(path, 'rb'), read  # noqa: SIM115 (closed by __exit__)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def read(self, size):
        self.counts.append(size)
        return self.file.read(size)

    def tell(self):
        return self.file.tell()


def test_a_mark_of_the_byte_order_is_no_text(tmp_path):
    path = tmp_path / 'marked.json'
    path.write_bytes(b'\xef\xbb\xbf[1, {"a": 2}]')
    assert [value for value, _ in iterate_list(path)] == [1, {'a': 2}]
