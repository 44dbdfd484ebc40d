"""The page as gradio builds it. Importing this imports gradio; see :mod:`ktn_mm.app.serving`."""
import base64
from pathlib import Path
from typing import Any

import gradio as gr

from ..forms.saving import encode_picture
from . import markup
from .desk import DETECTOR, MAX_BYTES, MAX_PIXELS, OWN, WHOLE, Desk, DeskError, Opened
from .examples import Example
from .views import shrink_picture

TITLE = 'KTN-MM: dense pose'
WAYS = {DETECTOR: 'a detector finds them', WHOLE: 'one person fills the picture',
        OWN: 'own boxes'}
"""Way -> what the page calls it."""
ONE_AT_A_TIME = dict(concurrency_id='network', concurrency_limit=1, api_visibility='private')


class Page:
    """Build the page.

    Args:
        desk: does the work.
        examples: pictures to try.
    """

    def __init__(self, desk: Desk, examples: list[Example]) -> None:
        self.desk, self.examples = desk, examples
        self._folder = desk.scratch.root / 'examples'
        self._folder.mkdir()
        self._paths = [self._keep(example) for example in examples]
        with gr.Blocks(title=TITLE, analytics_enabled=False) as self.blocks:
            gr.HTML('<h1>Dense pose</h1><p>Which of 24 surfaces of the body each pixel shows (I), '
                    'and where on it (U, V).</p>', elem_classes='ktn-title')
            with gr.Row():
                with gr.Column(scale=2, min_width=320):
                    self._build_inputs()
                with gr.Column(scale=5, min_width=320):
                    self.results = gr.HTML(markup.nothing_yet(), elem_id='ktn-results')
                    gr.HTML(markup.legend())
            self._connect()

    def _keep(self, example: Example) -> str:
        path = self._folder / f'{example.name.replace(" ", "_")}.png'
        path.write_bytes(encode_picture(example.picture, '.png'))
        return str(path)

    def _build_inputs(self) -> None:
        self.upload = gr.File(label=f'Picture: at most {MAX_BYTES // 2**20} MB and '
                              f'{MAX_PIXELS // 10**6} million pixels', height=150,
                              elem_id='ktn-upload')
        # A made-up request could name an address instead of an uploaded file, and gradio would
        # fetch it.
        self.upload.async_move_resource_to_block_cache = refuse_addresses(
            self.upload.async_move_resource_to_block_cache)
        self.opened = gr.State(None)
        with gr.Column(elem_id='ktn-shown'):
            self.message = gr.HTML('')
            self.stage = gr.HTML('')
        ways = self.desk.ways()
        self.who = gr.Radio([(WAYS[way], way) for way in ways], value=ways[0],
                            label='Where are the people?', elem_id='ktn-who')
        self.boxes = gr.Textbox(label='Own boxes, in pixels', placeholder='x1,y1,x2,y2; ...',
                                lines=1, max_lines=4, elem_id='ktn-boxes')
        self.go = gr.Button('Estimate', variant='primary', elem_id='ktn-go')
        self.chosen: list[gr.Button] = []
        with gr.Row(elem_classes='ktn-examples'):
            for i, example in enumerate(self.examples):
                with gr.Column(min_width=60):
                    gr.HTML(_thumbnail(example, f'ktn-example-{i}'))
                    self.chosen.append(gr.Button(example.name, size='sm',
                                                 elem_id=f'ktn-example-{i}'))
        credits = ' '.join(dict.fromkeys(example.credit for example in self.examples))
        if credits:
            gr.HTML(f'<div class="ktn-small">{credits}</div>')

    def _connect(self) -> None:
        shown = [self.opened, self.message, self.stage, self.results]
        asked = [self.opened, self.who, self.boxes]
        told = [self.message, self.results]
        self.upload.upload(self._open, self.upload, [*shown, self.boxes], **ONE_AT_A_TIME).then(
            self._estimate_opened, asked, told, **ONE_AT_A_TIME)
        self.upload.clear(self._forget, None, [*shown, self.boxes], **ONE_AT_A_TIME)
        self.go.click(self._estimate, asked, told, **ONE_AT_A_TIME)
        # Who types a box means it.
        self.boxes.input(None, None, self.who, js=f"() => '{OWN}'", api_visibility='private')
        for i, button in enumerate(self.chosen):
            button.click(lambda way, i=i: self._take_example(i, way), self.who,
                         [*shown, self.boxes, self.who, self.upload], **ONE_AT_A_TIME).then(
                self._estimate_opened, asked, told, **ONE_AT_A_TIME)

    def _open(self, path: str | None) -> tuple:
        try:
            opened = self.desk.open(path)
        except DeskError as error:
            return None, markup.error(str(error)), '', markup.nothing_yet(), ''
        return opened._asdict(), '', markup.stage(opened), markup.nothing_yet(), ''

    def _forget(self) -> tuple:
        return None, '', '', markup.nothing_yet(), ''

    def _take_example(self, index: int, way: str) -> tuple:
        boxes = '; '.join(','.join(map(str, box)) for box in self.examples[index].boxes)
        return (*self._open(self._paths[index])[:4], boxes,
                way if way == DETECTOR else OWN, None)

    def _estimate_opened(self, opened: dict | None, way: str, boxes: str) -> tuple[Any, Any]:
        """Go on after a picture was opened, unless that failed and was told already."""
        if opened is None:
            return gr.skip(), gr.skip()
        if way == OWN and not boxes.strip():
            return markup.hint('Draw a box around every person, then press Estimate.'), gr.skip()
        return self._estimate(opened, way, boxes)

    def _estimate(self, opened: dict | None, way: str, boxes: str) -> tuple[str, str]:
        if opened is None:
            return markup.error('There is no picture yet: drop one, or take an example.'), \
                markup.nothing_yet()
        try:
            estimate = self.desk.estimate(Opened(**opened), way, boxes)
        except DeskError as error:
            return markup.error(str(error)), markup.nothing_yet()
        return '', markup.results(estimate)


def _thumbnail(example: Example, button: str) -> str:
    small = shrink_picture(example.picture)[::2, ::2]
    data = base64.b64encode(encode_picture(small, '.jpg')).decode()
    return (f'<img class="ktn-thumb" data-button="{button}" alt="{example.name}" '
            f'src="data:image/jpeg;base64,{data}">')


def refuse_addresses(move):
    """Wrap gradio's way from a request's file to a local one: local files only."""
    async def moved(path):
        if path is not None and '://' in str(path):
            raise gr.Error('only uploaded files are taken')
        return await move(path)
    return moved


def head() -> str:
    """Return what the page needs in its head."""
    script = (Path(__file__).with_name('page.js')).read_text(encoding='utf-8')
    return f'<script>const SURFACES = {markup.surface_table()};\n{script}</script>'


def style() -> str:
    """Return the page's style sheet."""
    return Path(__file__).with_name('page.css').read_text(encoding='utf-8')
