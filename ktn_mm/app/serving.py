"""Serve the page: on this machine only unless asked otherwise, and without any network."""
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..apis import DensePoseInferencer
from .desk import MAX_BYTES, Desk
from .examples import make_examples
from .scratch import Scratch

WAITING = 16
"""Requests that may wait; more are turned away."""
POLICY = ("default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
          "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
          "font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'")
"""Content-Security-Policy: the browser fetches nothing from anywhere else."""
SILENT = {'GRADIO_ANALYTICS_ENABLED': 'False', 'HF_HUB_DISABLE_TELEMETRY': '1',
          'HF_HUB_OFFLINE': '1'}
"""Environment in which gradio and what it stands on call nobody."""


class Policy:
    """ASGI middleware that adds :data:`POLICY` to every answer."""

    def __init__(self, app: Callable) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        async def send_with_policy(message) -> None:
            if message['type'] == 'http.response.start':
                message['headers'] = [*message.get('headers', ()),
                                      (b'content-security-policy', POLICY.encode()),
                                      (b'x-content-type-options', b'nosniff'),
                                      (b'referrer-policy', b'no-referrer')]
            await send(message)
        await self.app(scope, receive, send_with_policy)


@contextmanager
def served(inferencer: DensePoseInferencer, *, host: str, port: int,
           det_thr: float = 0.3) -> Iterator[str]:
    """Serve the page inside a ``with`` statement, which yields its address.

    Args:
        inferencer: the network, and perhaps a detector.
        host: address to listen on; 127.0.0.1 lets nobody in but this machine.
        port: to listen on.
        det_thr: the detector's least score, for messages.

    Raises:
        OSError: if nobody can listen there.
    """
    with Scratch() as scratch:
        os.environ.update(SILENT, GRADIO_TEMP_DIR=str(scratch.uploads))
        import gradio as gr
        from starlette.middleware import Middleware

        from .page import Page, head, style
        fonts = dict(font=['system-ui', 'sans-serif'], font_mono=['ui-monospace', 'monospace'])
        blocks = Page(Desk(inferencer, scratch, det_thr), list(make_examples())).blocks
        blocks.queue(max_size=WAITING, default_concurrency_limit=1)
        try:
            _, address, _ = blocks.launch(
                server_name=host, server_port=port, prevent_thread_lock=True, quiet=True,
                share=False, inbrowser=False, ssr_mode=False, pwa=False, mcp_server=False,
                enable_monitoring=False, max_file_size=MAX_BYTES, footer_links=[],
                allowed_paths=[str(scratch.results)], theme=gr.themes.Default(**fonts),
                css=style(), head=head(), app_kwargs=dict(middleware=[Middleware(Policy)]))
            yield address
        finally:
            blocks.close(verbose=False)
