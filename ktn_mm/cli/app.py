"""Serve a page in the browser: drop a picture, see surfaces, U and V, and take the files.

  ktn-mm app --model CONFIG CHECKPOINT
  ktn-mm app --model CONFIG CHECKPOINT --det rtmdet-m --port 8000

Needs gradio, the extra `app`. Only this machine reaches the page; Ctrl-C ends it.
"""
import argparse
import sys
import threading
from importlib.util import find_spec

from . import options
from .stopping import tell

GRADIO = 'gradio==6.31.0'
"""What the extra `app` of pyproject.toml asks for."""
LOOPBACK, PORT = '127.0.0.1', 7860


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_model(parser, ask_later=True)
    where = parser.add_argument_group('the page')
    where.add_argument('--host', default=LOOPBACK,
                       help='address to listen on (default: %(default)s, this machine only); '
                       'there is no password')
    where.add_argument('--port', type=int, default=PORT, help='(default: %(default)s)')


def run(args: argparse.Namespace) -> int:
    if find_spec('gradio') is None:
        raise ImportError("the page needs gradio, which is not installed: pip install "
                          f"'{GRADIO}'")
    from ..app.serving import served
    options.check_model(args)
    inferencer = options.load_inferencer(args)
    with served(inferencer, host=args.host, port=args.port, det_thr=args.det_thr) as address:
        print(f'{address} (Ctrl-C ends it)', flush=True)
        if args.host not in (LOOPBACK, 'localhost', '::1'):
            print(f'ktn-mm: everybody who reaches {args.host} can use the page',
                  file=sys.stderr)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            tell('ktn-mm: the page is closed')
    return 0
