"""Readers of word vectors, on files written by the test."""
import gzip

import numpy as np
import pytest

from ktn_mm.knowledge import Node, embed, load_word_vectors


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    return {w: rng.normal(size=5).astype(np.float32) for w in ('left', 'full', 'arm', 'of')}


def write_text(path, vectors, header):
    lines = [f'{len(vectors)} 5'] * header
    lines += [' '.join([w, *(repr(float(x)) for x in v)]) for w, v in vectors.items()]
    path.write_text('\n'.join(lines) + '\n')


@pytest.mark.parametrize('header', [False, True])
def test_text(tmp_path, vectors, header):
    write_text(tmp_path / 'v.txt', vectors, header)
    read = load_word_vectors(tmp_path / 'v.txt')
    assert list(read) == list(vectors)
    for word in vectors:
        np.testing.assert_array_equal(read[word], vectors[word])


@pytest.mark.parametrize('newline', [b'', b'\n'])
def test_binary(tmp_path, vectors, newline):
    data = b'4 5\n' + b''.join(
        w.encode() + b' ' + v.tobytes() + newline for w, v in vectors.items())
    (tmp_path / 'v.bin').write_bytes(data)
    read = load_word_vectors(tmp_path / 'v.bin', words=['arm', 'left'])
    assert set(read) == {'arm', 'left'}
    np.testing.assert_array_equal(read['arm'], vectors['arm'])
    (tmp_path / 'v.bin').write_bytes(data[:-3])
    with pytest.raises(ValueError, match='ends before'):
        load_word_vectors(tmp_path / 'v.bin')


def test_compressed_files(tmp_path, vectors):
    write_text(tmp_path / 'v.txt', vectors, False)
    data = b'4 5\n' + b''.join(w.encode() + b' ' + v.tobytes() for w, v in vectors.items())
    for name, content in (('v.txt.gz', (tmp_path / 'v.txt').read_bytes()), ('v.bin.gz', data)):
        with gzip.open(tmp_path / name, 'wb') as file:
            file.write(content)
        read = load_word_vectors(tmp_path / name, words=['arm'])
        np.testing.assert_array_equal(read['arm'], vectors['arm'])


@pytest.mark.parametrize('value', ['nan', 'inf', '0'])
def test_vectors_without_a_direction_are_refused(tmp_path, value):
    (tmp_path / 'v.txt').write_text(f'arm 1 2 3\nhand {value} 0 0\nleg 1 nan 1\n')
    with pytest.raises(ValueError, match="v.txt: the vector for 'hand' has no direction"):
        load_word_vectors(tmp_path / 'v.txt', words=['arm', 'hand'])
    load_word_vectors(tmp_path / 'v.txt', words=['arm'])


def test_cut_and_mad_files_are_named(tmp_path, vectors):
    write_text(tmp_path / 'v.txt', vectors, False)
    whole = gzip.compress((tmp_path / 'v.txt').read_bytes())
    for broken in (whole[:-12], whole[:-8] + bytes(8)):  # the check sum and the length
        (tmp_path / 'v.txt.gz').write_bytes(broken)
        with pytest.raises(ValueError, match='v.txt.gz: cut off or broken'):
            load_word_vectors(tmp_path / 'v.txt.gz')
    (tmp_path / 'v.bin').write_bytes(b'3 -1\nhand abc')
    with pytest.raises(ValueError, match='v.bin: vectors of -1 values'):
        load_word_vectors(tmp_path / 'v.bin')


def test_strange_words_of_full_files(tmp_path, vectors):
    write_text(tmp_path / 'v.txt', vectors, False)
    with (tmp_path / 'v.txt').open('ab') as file:
        for word in ('. . .', 'at name', 'next\x85line', 'carriage\rreturn'):
            file.write(word.encode() + b' 1 2 3 4 5\n')
        file.write(b'\xff\xfe 1 2 3 4 5\ntorso 5 4 3 2 1\n')
    read = load_word_vectors(tmp_path / 'v.txt')
    assert {'. . .', 'at name', 'next\x85line', 'carriage\rreturn'} < set(read)
    assert read['torso'].tolist() == [5, 4, 3, 2, 1] and len(read) == len(vectors) + 6
    for word in vectors:
        np.testing.assert_array_equal(read[word], vectors[word])


def test_missing_word_file_and_broken_line(tmp_path, vectors):
    write_text(tmp_path / 'v.txt', vectors, False)
    with pytest.raises(ValueError, match='no vector for: leg'):
        load_word_vectors(tmp_path / 'v.txt', words=['arm', 'leg'])
    with pytest.raises(FileNotFoundError, match='nowhere.txt'):
        load_word_vectors(tmp_path / 'nowhere.txt')
    with (tmp_path / 'v.txt').open('a') as file:
        file.write('short 1 2\n')
    with pytest.raises(ValueError, match='v.txt:5'):
        load_word_vectors(tmp_path / 'v.txt')


def test_embed_concatenates_slots(vectors):
    node = Node('full', 'left', 'full', 'arm')
    expected = np.concatenate([vectors[w] for w in ('full', 'left', 'full', 'arm')])
    np.testing.assert_allclose(embed([node], vectors), expected[None])
