"""The scales of heat maps keep their order for every kind of colour vision, and whatever stands on them can be read."""

import numpy as np
import pytest

from minigrad.drawing.colours import FRAME, MISSING, Scale, choose_text_colour, relative_luminance
from minigrad.drawing.curves import LEVEL, LOOKS
from minigrad.drawing.sheet import PAPER
from minigrad.drawing.style import INKS


def test_the_sequential_scale_darkens_evenly_so_it_reads_without_hue():
    luminance = np.array([relative_luminance(colour) for colour in Scale(1.0, False).palette])
    assert (np.diff(luminance) < 0).all()
    lightness = np.cbrt(luminance)  # nearly that of CIELAB
    assert np.abs(lightness - np.linspace(lightness[0], lightness[-1], 256)).max() < 0.06


def test_the_signed_scale_darkens_alike_on_both_sides_which_differ_in_blue_against_red():
    palette = Scale(1.0, True).palette
    luminance = np.array([relative_luminance(colour) for colour in palette])
    assert (np.diff(luminance[:128]) > 0).all()
    assert (np.diff(luminance[128:]) < 0).all()
    assert np.abs(np.cbrt(luminance) - np.cbrt(luminance[::-1])).max() < 0.05
    blueness = [int(colour[5:], 16) - int(colour[1:3], 16) for colour in palette]
    assert all(blue > 0 for blue in blueness[:120])
    assert all(blue < 0 for blue in blueness[136:])


def test_the_dark_scales_lighten_where_the_light_ones_darken():
    luminance = np.array([relative_luminance(colour) for colour in Scale(1.0, False).dark_palette])
    assert (np.diff(luminance) > 0).all()
    palette = Scale(1.0, True).dark_palette
    luminance = np.array([relative_luminance(colour) for colour in palette])
    assert (np.diff(luminance[:128]) < 0).all()
    assert (np.diff(luminance[128:]) > 0).all()
    assert np.abs(np.cbrt(luminance) - np.cbrt(luminance[::-1])).max() < 0.05
    blueness = [int(colour[5:], 16) - int(colour[1:3], 16) for colour in palette]
    assert all(blue > 0 for blue in blueness[:120])
    assert all(blue < 0 for blue in blueness[136:])


def test_text_is_legible_on_every_colour():
    scales = Scale(1.0, False), Scale(1.0, True)
    palettes = [colour for scale in scales for colour in (*scale.palette, *scale.dark_palette)]
    for background in [*palettes, *MISSING]:
        light, dark = sorted([relative_luminance(background), relative_luminance(choose_text_colour(background))])[::-1]
        assert (light + 0.05) / (dark + 0.05) >= 4.5


LINES = [LEVEL, *(look.ink for look in LOOKS)]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("inks", "least"), [([INKS.text], 7), ([INKS.quiet], 4.5), ([FRAME], 3), (LINES, 3)])
def test_text_and_lines_stand_out_from_the_page(theme, inks, least):
    for ink in inks:
        pair = [relative_luminance(getattr(colour, theme)) for colour in (ink, PAPER)]
        assert (max(pair) + 0.05) / (min(pair) + 0.05) >= least
