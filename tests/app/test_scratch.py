import os
import time

from ktn_mm.app.scratch import Scratch


def age(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_old_files_go_and_young_ones_stay(scratch):
    old, young = scratch.new_folder(), scratch.new_folder()
    (scratch.uploads / 'hash').mkdir()
    files = [old / 'a.png', young / 'a.png', scratch.uploads / 'hash' / 'a.jpg']
    for path in files:
        path.write_bytes(b'1')
    for path in (files[0], files[2], old, scratch.uploads / 'hash'):
        age(path, 3700)
    scratch.sweep()
    assert [path.exists() for path in files] == [False, True, False]
    assert not old.exists() and young.exists() and not (scratch.uploads / 'hash').exists()
    assert scratch.uploads.is_dir() and scratch.results.is_dir()


def test_the_thread_sweeps_by_itself():
    with Scratch(kept=.3) as scratch:
        path = scratch.new_folder() / 'a.png'
        path.write_bytes(b'1')
        end = time.monotonic() + 10
        while path.exists() and time.monotonic() < end:
            time.sleep(.05)
        assert not path.exists()


def test_nothing_is_left_at_the_end():
    with Scratch() as scratch:
        (scratch.new_folder() / 'a.png').write_bytes(b'1')
    assert not scratch.root.exists()


def test_nobody_else_may_look_and_nobody_can_guess(scratch):
    assert scratch.root.stat().st_mode & 0o077 == 0
    names = {scratch.new_folder().name for _ in range(5)}
    assert len(names) == 5 and {len(name) for name in names} == {32}
