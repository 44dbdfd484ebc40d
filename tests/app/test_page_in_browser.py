"""The page in a real browser: `make app-test` installs what it needs."""
import socket
import subprocess
import sys
import time
from shutil import which

import numpy as np
import pytest

pytest.importorskip('gradio')
playwright = pytest.importorskip('playwright.sync_api')
CHROMIUM = which('chromium') or which('chromium-browser') or which('google-chrome')
FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync']
pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(CHROMIUM is None, reason='needs Chromium or Chrome')]


@pytest.fixture
def address(config, checkpoint):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, '-W', 'ignore', '-m', 'ktn_mm', 'app', '--model', config, checkpoint,
         '--port', str(port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in process.stdout:
            if f':{port}' in line:
                break
        else:
            pytest.fail(f'the page ended with exit code {process.wait()}')
        yield f'http://127.0.0.1:{port}/'
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def page(address):
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport=dict(width=1400, height=950))
        page.asked = []
        page.on('request', lambda request: page.asked.append(request.url))
        page.goto(address)
        page.wait_for_selector('#ktn-go')
        yield page
        browser.close()


def test_drop_a_picture_and_point_at_it(page, address, tmp_path):
    from PIL import Image
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (128, 96, 3), np.uint8)).save(tmp_path / 'somebody.png')
    page.click('text=one person fills the picture')
    page.set_input_files('#ktn-upload input[type=file]', str(tmp_path / 'somebody.png'))
    page.wait_for_selector('.ktn-view img', timeout=60_000)
    assert page.locator('.ktn-view img').count() == 4
    for i in range(4):
        assert page.locator('.ktn-view img').nth(i).evaluate('x => x.naturalWidth') == 96
    time.sleep(1)  # the values are fetched
    box = page.locator('.ktn-view').first.bounding_box()
    page.mouse.move(box['x'] + box['width'] / 2, box['y'] + box['height'] / 2)
    page.wait_for_selector('.ktn-tip')
    assert page.inner_text('.ktn-tip').strip()
    with page.expect_download() as download:
        page.click('.ktn-file >> nth=0')
    assert download.value.suggested_filename == 'somebody_iuv.png'
    assert Image.open(download.value.path()).size == (96, 128)
    assert {url.split('/')[2] for url in page.asked if '://' in url} == {address.split('/')[2]}


def test_what_is_no_picture_is_said(page, tmp_path):
    (tmp_path / 'bad.jpg').write_text('hello')
    page.set_input_files('#ktn-upload input[type=file]', str(tmp_path / 'bad.jpg'))
    page.wait_for_selector('.ktn-error')
    assert 'bad.jpg: not a picture' in page.inner_text('.ktn-error')
    assert page.locator('.ktn-view').count() == 0
