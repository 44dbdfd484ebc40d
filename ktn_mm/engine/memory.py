"""Process settings that make training on a CPU two to five times faster.

glibc gives big blocks back to the kernel as soon as they are freed, so that every step of a
network pays for all its pages again; the MALLOC variables keep them. OpenMP's threads spin while
they wait for each other, so that any neighbour on the machine slows every step by a factor of
four to ten; with OMP_WAIT_POLICY they sleep. Both are read once, at the start of a process, so a
process that lacks them has to be started again.

Needs the standard library only: it is run before torch is imported.
"""
import os
import platform
import sys
from pathlib import Path

MEMORY_SETTINGS = {
    'MALLOC_MMAP_MAX_': '0',
    'MALLOC_TRIM_THRESHOLD_': '100000000000',
    'MALLOC_TOP_PAD_': '67108864',
    'OMP_WAIT_POLICY': 'PASSIVE',
}
SWITCH = 'KTN_MM_MALLOC'  # 'default' leaves everything as it is; 'set' marks a restarted process


def has_gpu() -> bool:
    """Tell whether an NVIDIA GPU can be used, without importing torch."""
    if os.environ.get('CUDA_VISIBLE_DEVICES', '0') in ('', '-1'):
        return False
    return Path('/dev/nvidiactl').exists() or Path('/dev/dxg').exists()


def missing_settings() -> dict[str, str]:
    """Return the variables that this process should have been started with and was not."""
    if os.environ.get(SWITCH) in ('default', 'set') or platform.libc_ver()[0] != 'glibc':
        return {}
    preloaded = os.environ.get('LD_PRELOAD', '')
    if has_gpu() or 'jemalloc' in preloaded or 'tcmalloc' in preloaded:
        return {}
    return {name: value for name, value in MEMORY_SETTINGS.items() if name not in os.environ}


def restart_with_memory_settings() -> None:
    """Start this process again with the memory settings, if it runs on a CPU and lacks them.

    Says so once. Does nothing with a GPU, another C library or allocator, or
    ``KTN_MM_MALLOC=default``. Does not return if it restarts.
    """
    settings = missing_settings()
    if not settings:
        return
    text = ' '.join(f'{name}={value}' for name, value in settings.items())
    print(f'KTN-MM: no GPU; starting again with {text} (several times faster on a CPU; '
          f'{SWITCH}=default leaves it)', file=sys.stderr, flush=True)
    os.environ.update(settings, **{SWITCH: 'set'})
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
