"""The command ``ktn-mm``."""
import argparse
import sys
from collections.abc import Sequence

from ..version import __version__
from . import app, infer, options, paint, unwrap
from .stopping import Stop, tell

EXIT_CODES = """exit codes: 0 all done; 1 something could not be done, and was named; 2 wrong
arguments, nothing was done; 130 interrupted, what was done is kept"""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command; what it parses has the function ``run``."""
    parser = options.Parser(
        prog='ktn-mm', description='Dense human pose: from pictures and videos to body surfaces.',
        epilog=EXIT_CODES)
    parser.add_argument('--version', action='version', version=__version__)
    commands = parser.add_subparsers(title='commands', required=True, metavar='COMMAND')
    for command in (infer, unwrap, paint, app):
        name = command.__name__.rpartition('.')[2]
        about = command.__doc__
        own = commands.add_parser(
            name, help=about.split('\n')[0], description=about, epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter)
        command.add_arguments(own)
        own.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; errors are told in one line."""
    args = make_parser().parse_args(argv)
    try:
        with Stop() as args.stop:
            return args.run(args)
    except KeyboardInterrupt:
        tell('ktn-mm: interrupted; what was done is kept', sys.stderr)
        return 130
    except (OSError, ValueError, ImportError, MemoryError) as error:
        said = ' '.join(str(error).split()) or type(error).__name__
        tell(f'ktn-mm: error: {said}', sys.stderr)
        return 2 if isinstance(error, options.WrongArguments) else 1
