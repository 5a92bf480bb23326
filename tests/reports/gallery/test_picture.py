"""Pictures on paper: the colours between two, and a PNG that others read."""

import base64

import numpy as np
import vl_convert

from longlag.reports.gallery.picture import blend, png


def test_colours_lie_between_those_given():
    between = blend(["#000000", "#ff8000", "#ffffff"], np.array([0, 0.25, 0.5, 1]))
    assert between.tolist() == [[0, 0, 0], [128, 64, 0], [255, 128, 0], [255, 255, 255]]


def test_a_png_is_drawn_as_it_is():
    red, green = [255, 0, 0], [0, 255, 0]
    address = png(np.array([[red, green], [green, red]], dtype=np.uint8))
    assert base64.b64decode(address.partition(",")[2]).startswith(b"\x89PNG\r\n\x1a\n")
    w3 = "http://www.w3.org"
    head = f'<svg xmlns="{w3}/2000/svg" xmlns:xlink="{w3}/1999/xlink" width="2" height="2">'
    squares = "".join(
        f'<rect x="{x}" y="{y}" width="1" height="1" fill="{"red" if x == y else "lime"}"/>'
        for x in (0, 1)
        for y in (0, 1)
    )
    image = f'<image width="2" height="2" xlink:href="{address}"/>'
    drawn, wanted = (vl_convert.svg_to_png(f"{head}{inside}</svg>") for inside in (image, squares))
    assert drawn == wanted
