"""The pieces of HTML that the page is made of; all text in them is escaped."""
import json
from html import escape
from pathlib import Path
from urllib.parse import quote

from ..surface.charts import SURFACES
from ..visualization.painting import SURFACE_COLORS
from .desk import Estimate, Opened

FILES = {'iuv': ('IUV picture (PNG)', 'R = I, G = 255 U, B = 255 V, of the size of the picture'),
         'npz': ('Arrays (npz)', 'boxes, scores, keypoints, iuv, and the maps of every person')}
"""Form -> title and explanation of a file to download."""
ABOUT = {'Surfaces': 'the 24 surfaces of the body', 'U': '0 dark to 1 yellow, surface by surface',
         'V': '0 dark to 1 yellow, surface by surface', 'Overlay': 'surfaces and boxes'}


def address(path: str) -> str:
    """Return the address at which gradio serves a file; it need not be quoted in HTML."""
    return 'gradio_api/file=' + quote(path)


def css_color(index: int) -> str:
    """Return the colour of a surface (0 is background) for CSS."""
    return '#' + ''.join(f'{value:02x}' for value in SURFACE_COLORS[index].tolist())


def surface_table() -> str:
    """Return the names and colours of the surfaces as JSON, by their index; 0 is background."""
    table = [('background', css_color(0))] + [(s.name, css_color(s.index)) for s in SURFACES]
    return json.dumps(table)


def error(message: str) -> str:
    """Return a message that something has to be mended."""
    return f'<div class="ktn-message ktn-error" role="alert">{escape(message)}</div>'


def hint(message: str) -> str:
    """Return a message that all is well, or what to do next."""
    return f'<div class="ktn-message" role="status">{escape(message)}</div>'


def stage(opened: Opened) -> str:
    """Return the picture to draw boxes on."""
    width, height = opened.size
    name = escape(opened.name)
    return (f'<div class="ktn-stage" data-width="{width}" data-height="{height}" '
            f'style="{_fit(width, height, 40)}">'
            f'<img src="{address(opened.preview)}" alt="{name}" draggable="false">'
            f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none"></svg></div>'
            f'<div class="ktn-tools"><span>{name}, {width} x {height}: drag over it to draw a '
            'box</span><button type="button" data-ktn="undo">Undo box</button>'
            '<button type="button" data-ktn="clear">Clear boxes</button></div>')


def results(estimate: Estimate) -> str:
    """Return the four pictures, which tell what is under the pointer, and the files."""
    (width, height), (full_width, full_height) = estimate.view_size, estimate.image_size
    figures = ''.join(
        f'<figure><div class="ktn-view ktn-view-{title.lower()}" '
        f'style="{_fit(width, height, 38)}">'
        f'<img src="{address(path)}" alt="{title} of {escape(estimate.summary)}" '
        f'draggable="false"><i class="ktn-cross"></i></div>'
        f'<figcaption><b>{title}</b> {ABOUT[title]}</figcaption></figure>'
        for title, path in estimate.views.items())
    files = ''.join(
        f'<a class="ktn-file" href="{address(path)}" download="{escape(Path(path).name)}" '
        f'title="{FILES[form][1]}">&#8595; {FILES[form][0]}</a>'
        for form, path in estimate.downloads.items())
    return (f'<div class="ktn-head"><span>{escape(estimate.summary)}</span>{files}</div>'
            '<p class="ktn-how">Point at a picture, or tap it: the surface and its place on it '
            'are shown.</p>'
            f'<div class="ktn-views" data-values="{address(estimate.values)}" '
            f'data-width="{width}" data-height="{height}" data-full-width="{full_width}" '
            f'data-full-height="{full_height}">{figures}</div>')


def nothing_yet() -> str:
    """Return what stands where results will be."""
    return ('<div class="ktn-empty">Surfaces, U, V and the overlay appear here. Drop a picture, '
            'or take an example.</div>')


def legend() -> str:
    """Return the table of colours."""
    items = ''.join(f'<li><i style="background:{css_color(s.index)}"></i>{s.index} {s.name}</li>'
                    for s in SURFACES)
    return (f'<details class="ktn-legend"><summary>The 24 surfaces (left and right are the '
            f"person's own)</summary><ul>{items}</ul></details>")


def _fit(width: int, height: int, share: int) -> str:
    """Return the style of a frame as wide as there is room, and not higher than the screen."""
    return f'width:min(100%, calc({share}vh * {width / height:.5f}));aspect-ratio:{width}/{height}'
