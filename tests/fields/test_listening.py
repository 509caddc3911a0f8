"""The picture of what is listened to: everything in its place, in both themes, and in time with the sound."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from listening import draw_listening, share_onwards

SOUND = np.random.default_rng(0).random((50, 40), np.float32)


def weights(*highest, tokens=19):
    rows = np.full((len(highest), tokens), 0.01)
    rows[np.arange(len(highest)), highest] = 0.5
    return rows


def places(svg):
    """Where each bold text above the sound stands: x by text, from left to right."""
    texts = [element for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]
    tops = [(float(text.get("x")), text.text) for text in texts if text.get("y") == "57"]
    return sorted(tops)


def test_signs_stand_over_their_highest_places_in_order():
    picture = draw_listening(SOUND, weights(1, 6, 12), [3, 1], ["3", "1", "end"], 3, theme="light")
    marks = places(picture.svg)
    assert [text for _, text in marks] == ["3", "1", "end"]
    assert np.diff([x for x, _ in marks]).tolist() == pytest.approx([5 * 3 * 13, 6 * 3 * 13])


def test_signs_at_one_place_stand_side_by_side():
    marks = places(draw_listening(SOUND, weights(4, 4, 4), [8, 8], ["8", "8", "end"], 3, theme="light").svg)
    assert [text for _, text in marks] == ["8", "8", "end"]
    assert np.diff([x for x, _ in marks]).min() > 8


def test_both_themes_show_the_same():
    light, dark = (
        draw_listening(SOUND, weights(1, 6), [3], ["3", "end"], 3, theme=theme).svg for theme in ("light", "dark")
    )
    assert light != dark
    without = [re.sub(r"#[0-9a-fA-F]{6}", "", svg) for svg in (light, dark)]
    assert [text for _, text in places(without[0])] == [text for _, text in places(without[1])]


def test_what_it_shows_is_said_for_those_who_do_not_see_it():
    picture = draw_listening(SOUND, weights(1, 6), [3], ["3", "end"], 3)
    assert "1.0 seconds of sound; written: 3 end" in picture.svg
    assert picture == draw_listening(SOUND, weights(1, 6), [3], ["3", "end"], 3)


def test_what_lies_beyond_the_signs_and_the_sound_is_left_out():
    exact = draw_listening(SOUND, weights(1, 6, tokens=17), [3], ["3", "end"], 3)
    assert exact == draw_listening(SOUND, weights(1, 6, 18, 2), [3], ["3", "end"], 3)


@pytest.mark.parametrize(
    ("sound", "signs", "texts", "together"),
    [
        (SOUND[:, :39], 2, 2, 3),
        (SOUND[0], 2, 2, 3),
        (SOUND, 2, 3, 3),
        (SOUND, 9, 9, 3),
        (SOUND, 2, 0, 3),
        (SOUND, 2, 2, 2),
    ],
)
def test_what_does_not_fit_is_named(sound, signs, texts, together):
    with pytest.raises(ValueError, match=r"draw_listening: sound \(frames, 40\), weights \(signs, tokens\)"):
        draw_listening(sound, weights(*range(signs)), [], ["x"] * texts, together)


def test_attention_that_walks_moves_on_and_attention_that_stays_does_not():
    walking, staying = np.eye(4)[None], np.full((1, 4, 4), 0.25)
    assert share_onwards(walking, ["abcd"]) == 1
    assert share_onwards(walking[:, ::-1], ["abcd"]) == 0
    assert share_onwards(staying, ["abcd"]) == 0
    assert share_onwards(np.concatenate([walking, staying]), ["abcd", "ef"]) == 0.75
    assert np.isnan(share_onwards(walking, ["a"]))
