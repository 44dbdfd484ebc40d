import json

import pytest

from ktn_mm.forms import RecordFile, write_file


def test_records_are_a_list_also_after_an_interruption(tmp_path):
    path = tmp_path / 'a.json'
    with pytest.raises(KeyboardInterrupt), RecordFile(path) as file:
        file.add([dict(a=1), dict(b=[2, 3])])
        file.add([])
        file.add([dict(c='d')])
        assert not path.exists()
        raise KeyboardInterrupt
    assert json.loads(path.read_text()) == [dict(a=1), dict(b=[2, 3]), dict(c='d')]
    assert list(tmp_path.iterdir()) == [path]


def test_no_record_is_an_empty_list(tmp_path):
    RecordFile(tmp_path / 'a.json').close()
    assert json.loads((tmp_path / 'a.json').read_text()) == []


def test_two_writers_of_one_file_lose_nothing(tmp_path):
    path = tmp_path / 'a.json'
    first = RecordFile(path)
    first.add([dict(of='first')])
    second = RecordFile(path)
    second.add([dict(of='second')])
    first.close()
    with pytest.raises(FileExistsError, match=r'\.a\.\w+\.part\.json') as told:
        second.close()
    assert json.loads(path.read_text()) == [dict(of='first')]
    kept = tmp_path / str(told.value).split('/')[-1]
    assert json.loads(kept.read_text()) == [dict(of='second')]


def test_a_file_that_cannot_be_finished_leaves_nothing(tmp_path, monkeypatch):
    def full(*args):
        raise OSError('no space left')
    monkeypatch.setattr('os.replace', full)
    with pytest.raises(OSError, match='no space'):
        write_file(tmp_path / 'a.bin', b'123')
    assert list(tmp_path.iterdir()) == []
