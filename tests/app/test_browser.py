"""The page in a real browser: `make app-test` installs what this needs but the browser."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ktn_mm.app.desk import MAX_BYTES

pytest.importorskip('gradio', reason='needs the extra `app`')
playwright = pytest.importorskip('playwright.sync_api', reason='needs the extra `app-test`')

BROWSER = next(filter(None, map(shutil.which, (
    'chromium', 'chromium-browser', 'google-chrome'))), None)
FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync']
# The import of gradio, a browser and its page take some seconds.
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason='needs Chromium')]
LOOPBACK = '127.0.0.1'


def free_port():
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


@pytest.fixture
def address(inferencer):
    from ktn_mm.app.serving import served
    with served(inferencer, host=LOOPBACK, port=free_port()) as address:
        yield address


@pytest.fixture
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, address):
    page = browser.new_page(viewport=dict(width=1400, height=950))
    page.asked, page.problems = [], []
    page.on('request', lambda request: page.asked.append(request.url))
    page.on('pageerror', lambda error: page.problems.append(str(error)))
    page.on('console', lambda said: said.type == 'error' and page.problems.append(said.text))
    page.goto(address)
    page.wait_for_selector('#ktn-go')
    yield page
    assert page.problems == []
    assert {url.split('/')[2] for url in page.asked if '://' in url} == {address.split('/')[2]}


def drop(page, path):
    page.set_input_files('#ktn-upload input[type=file]', str(path))


def wait_for_values(page):
    page.wait_for_selector('.ktn-views[data-ready]')
    page.wait_for_function("[...document.querySelectorAll('.ktn-view img')]"
                           '.every((image) => image.naturalWidth > 0)')


def point_at(page, view, x, y):
    """Point at a place of a view of 120 x 90 pixels and return what the page says."""
    box = page.locator('.ktn-view').nth(view).bounding_box()
    page.mouse.move(box['x'] + (x + .5) / 120 * box['width'],
                    box['y'] + (y + .5) / 90 * box['height'])
    page.wait_for_selector('.ktn-tip', state='visible')
    return page.inner_text('.ktn-tip').split('\n')


def draw(page, start, end):
    box = page.locator('.ktn-stage').bounding_box()
    places = [(box['x'] + x / 120 * box['width'], box['y'] + y / 90 * box['height'])
              for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    page.mouse.up()


def test_upload_and_look(page, picture):
    drop(page, picture)
    wait_for_values(page)
    assert page.inner_text('.ktn-head span').startswith('2 people, 1 of 24 surfaces')
    captions = page.locator('.ktn-views figcaption b').all_inner_texts()
    assert captions == ['Surfaces', 'U', 'V', 'Overlay']
    assert page.evaluate("[...document.querySelectorAll('.ktn-view img')]"
                         '.every((image) => image.naturalWidth === 120)')
    with page.expect_download() as waiting:
        page.click('.ktn-file >> nth=0')
    assert waiting.value.suggested_filename == 'people_iuv.png'
    iuv = np.array(Image.open(waiting.value.path()))
    for view, (x, y) in enumerate(((25, 20), (25, 45), (85, 60), (30, 70))):
        surface, u, v = iuv[y, x].tolist()
        name, place = point_at(page, view, x, y)
        assert (name, surface) == ('right upper leg back', 7)
        assert place.split() == ['I', '7', 'U', f'{u / 255:.2f}', 'V', f'{v / 255:.2f}', 'x',
                                 f'{x},', 'y', f'{y}']
    assert point_at(page, 0, 56, 45) == ['background', 'x 56, y 45']


def test_bad_uploads_are_told_in_the_page(page, picture, tmp_path):
    drop(page, picture)
    wait_for_values(page)
    (tmp_path / 'letter.jpg').write_text('no picture')
    page.click('#ktn-upload button[aria-label="Clear"]')
    page.wait_for_selector('.ktn-empty')
    drop(page, tmp_path / 'letter.jpg')
    page.wait_for_selector('.ktn-error')
    assert page.inner_text('.ktn-error') == 'letter.jpg: not a picture that can be read'
    assert not page.locator('.ktn-view').count() and not page.locator('.ktn-stage').count()


def test_a_heavy_upload_is_told_in_the_page(page, tmp_path):
    (tmp_path / 'heavy.jpg').write_bytes(bytes(MAX_BYTES + 1))
    drop(page, tmp_path / 'heavy.jpg')
    page.get_by_text('exceed the maximum allowed size of 20').wait_for()
    page.problems.clear()  # gradio's page asks how far an upload is that never began


def test_nobody_found_then_a_drawn_box(page, tmp_path):
    Image.new('RGB', (120, 90)).save(tmp_path / 'night.png')
    drop(page, tmp_path / 'night.png')
    page.wait_for_selector('.ktn-error')
    assert page.inner_text('.ktn-error').startswith('No person found')
    draw(page, (20, 10), (80, 70))
    page.wait_for_selector('.ktn-stage rect')
    typed = page.input_value('#ktn-boxes textarea, #ktn-boxes input')
    np.testing.assert_allclose(np.array(typed.split(','), int), [20, 10, 80, 70], atol=1)
    page.wait_for_selector('#ktn-who input[value="own"]:checked', state='attached')
    page.click('#ktn-go')
    wait_for_values(page)
    assert page.inner_text('.ktn-head span').startswith('1 person')
    page.click('[data-ktn=undo]')
    page.wait_for_selector('.ktn-stage rect', state='detached')


def test_boxes_are_shown_only_where_they_count(page, picture):
    drop(page, picture)
    wait_for_values(page)
    draw(page, (20, 10), (80, 70))
    page.wait_for_selector('.ktn-stage rect')
    page.locator('#ktn-who input[value="detector"]').click()
    page.wait_for_selector('.ktn-stage rect', state='detached')


def test_examples_on_a_small_screen(browser, address):
    page = browser.new_page(viewport=dict(width=390, height=800), has_touch=True, is_mobile=True)
    page.goto(address)
    page.locator('.ktn-thumb').nth(2).tap()
    wait_for_values(page)
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    page.locator('.ktn-view').first.scroll_into_view_if_needed()
    page.locator('.ktn-view').first.tap()
    page.wait_for_selector('.ktn-tip', state='visible')


def test_the_command_with_a_network_of_its_own(browser, config, checkpoint, tmp_path):
    port = free_port()
    command = [sys.executable, '-W', 'ignore', '-m', 'ktn_mm', 'app', '--model', config,
               checkpoint, '--port', str(port)]
    (tmp_path / 'temporary').mkdir()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env={**os.environ, 'TMPDIR': str(tmp_path / 'temporary')},
                               text=True)
    try:
        address = next((line.split()[0] for line in process.stdout if f':{port}' in line), None)
        assert address == f'http://{LOOPBACK}:{port}/'
        page = browser.new_page()
        page.goto(address)
        page.locator('.ktn-thumb').first.click()
        wait_for_values(page)
        assert page.inner_text('.ktn-head span').startswith('1 person')
        busy = subprocess.run(command, capture_output=True, text=True)
        assert busy.returncode == 1 and str(port) in busy.stderr.splitlines()[-1]
    finally:
        process.terminate()
        assert process.wait(60) == 0
    assert not list((tmp_path / 'temporary').glob('ktn_mm_app_*'))


def call(address, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f'{address}{path}', data,
                                     {'Content-Type': 'application/json'})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_requests_that_no_page_makes(address, monkeypatch):
    """An address in the place of an uploaded file is not fetched, and no other file is read."""
    from gradio import processing_utils
    fetched = []

    async def fetch(url, *args, **kwargs):
        fetched.append(url)
        raise OSError(url)

    monkeypatch.setattr(processing_utils, 'async_ssrf_protected_download', fetch)
    config = json.loads(call(address, 'config')[1])
    upload = next(one['id'] for one in config['components'] if one['type'] == 'file')
    number = next(i for i, one in enumerate(config['dependencies']) if upload in one['inputs'])
    secret = Path(__file__).resolve()
    for path in ('http://example.com/a.jpg', str(secret)):
        session = 'visitor' + re.sub(r'\W', '', path)
        status, _ = call(address, 'gradio_api/queue/join', dict(
            fn_index=number, session_hash=session,
            data=[dict(path=path, meta={'_type': 'gradio.FileData'})]))
        said = call(address, f'gradio_api/queue/data?session_hash={session}')[1]
        assert status == 200 and '"success":false' in said.replace(' ', '')
    assert fetched == []
    assert call(address, f'gradio_api/file={secret}')[0] == 403


def test_the_page_names_no_other_host(address):
    with urllib.request.urlopen(address) as answer:
        policy = answer.headers['content-security-policy']
        text = answer.read().decode()
    assert "default-src 'self'" in policy and 'http' not in policy
    assert 'fonts.googleapis' not in text
    assert not re.findall(r'<(?:script|link)[^>]*(?:src|href)="https?:', text)
