"""Which fonts have the characters of a text: read from fonts made here, and from those of the machine."""

import struct
import warnings

import pytest

from minigrad.drawing import fontfiles
from minigrad.drawing.fontfiles import find_fonts


def make_font(*cmaps, collection=False, family=None):
    """A font with nothing but a table of characters, and one of names if it has a `family`."""
    start = 16 if collection else 0
    offsets, place = [], 4 + 8 * len(cmaps)
    for cmap in cmaps:
        offsets.append(struct.pack(">HHI", 3, 1, place))
        place += len(cmap)
    table = struct.pack(">HH", 0, len(cmaps)) + b"".join(offsets) + b"".join(cmaps)
    tables = {b"cmap": table}
    if family:
        names = [(1, 0, 0, 1, b"Mac"), (3, 1, 0x409, 2, b"\0R"), (3, 1, 0x409, *family)]
        record, text = struct.pack(">HHH", 0, len(names), 6 + 12 * len(names)), b""
        for *kind, name in names:
            record += struct.pack(">6H", *kind, len(name), len(text))
            text += name
        tables[b"name"] = record + text
    directory = b"\0\1\0\0" + struct.pack(">HHHH", len(tables), 0, 0, 0)
    place = start + 12 + 16 * len(tables)
    for name, content in tables.items():
        directory += name + struct.pack(">III", 0, place, len(content))
        place += len(content)
    head = struct.pack(">4sIII", b"ttcf", 65536, 1, 16) if collection else b""
    return head + directory + b"".join(tables.values())


def segments(*runs):
    """A table of format 4; a run is (first, last, what is added) or (first, last, glyphs)."""
    runs = [*runs, (0xFFFF, 0xFFFF, 1)]
    count, listed, glyphs = len(runs), [], []
    for number, (_, _, given) in enumerate(runs):
        listed.append(0 if isinstance(given, int) else 2 * (count - number + len(glyphs)))
        glyphs += [] if isinstance(given, int) else given
    added = [given % 65536 if isinstance(given, int) else 0 for _, _, given in runs]
    words = [*(last for _, last, _ in runs), 0, *(first for first, _, _ in runs), *added, *listed, *glyphs]
    return struct.pack(f">7H{len(words)}H", 4, 14 + 2 * len(words), 0, 2 * count, 0, 0, 0, *words)


def groups(*runs):
    body = b"".join(struct.pack(">III", *run) for run in runs)
    return struct.pack(">HHIII", 12, 0, 16 + len(body), 0, len(runs)) + body


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine that has the fonts which are written to it, and no others."""
    monkeypatch.setattr(fontfiles.shutil, "which", lambda name: None)
    monkeypatch.setattr(fontfiles, "FOLDERS", (str(tmp_path),))

    def install(name, *cmaps, **options):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(make_font(*cmaps, **options))

    return install


def names(text):
    return [file.name for file in find_fonts(text).files]


def test_named_fonts_come_always_and_others_where_characters_ask_for_them(machine):
    machine("DejaVuSans.ttf", segments((ord("a"), ord("z"), -90)))
    machine("cjk/NotoSansCJK-Regular.ttc", segments((0x67E5, 0x67E5, 1)), collection=True)
    machine("cjk/Another.otf", groups((0x67E5, 0x67E5, 1), (0x1F600, 0x1F600, 2)))
    machine("NotoColorEmoji.ttf", groups((0x1F600, 0x1F610, 1)))
    assert names("abc") == ["DejaVuSans.ttf"]
    assert names("ab 查") == ["DejaVuSans.ttf", "NotoSansCJK-Regular.ttc"]
    assert names("\U0001f600") == ["DejaVuSans.ttf", "Another.otf"]


def test_runs_list_glyphs_and_the_empty_glyph_is_no_character(machine):
    machine("DejaVuSans.ttf", segments((5, 6, 1), (ord("a"), ord("c"), [3, 0, 4]), (ord("x"), ord("y"), -ord("x"))))
    with pytest.warns(UserWarning, match="no font of this machine has b x: "):
        find_fonts("abcxy")


def test_a_font_that_was_installed_meanwhile_is_found(machine):
    machine("DejaVuSans.ttf", segments((ord("a"), ord("z"), 1)))
    with pytest.warns(UserWarning, match="no font of this machine has 键: "):
        names("a键")
    machine("Late.ttf", segments((ord("键"), ord("键"), 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert names("a键") == ["DejaVuSans.ttf", "Late.ttf"]


def test_files_that_are_no_fonts_are_passed_over(machine, tmp_path):
    for name, content in {
        "DejaVuSans.ttf": b"",
        "a.ttf": b"\0\1\0\0" + 60 * b"\xff",
        "b.otf": make_font().replace(b"cmap", b"glyf"),
    }.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "gone.ttf").symlink_to(tmp_path / "nowhere")
    with pytest.warns(UserWarning, match="no font of this machine has a: "):
        assert names("a") == ["DejaVuSans.ttf"]


@pytest.mark.parametrize("kind", [1, 16])
def test_where_there_is_no_named_font_the_family_of_another_is_told(machine, kind):
    machine("Late.ttf", segments((ord("a"), ord("z"), 1)), family=(kind, "Späte".encode("utf-16-be")))
    assert find_fonts("abc").family == "Späte"
    machine("Arial.ttf", segments((ord("a"), ord("z"), 1)))
    assert find_fonts("abc").family == ""


def test_without_any_font_there_is_no_family(machine):
    assert find_fonts("") == ([], "")


def test_what_nobody_misses_needs_no_font(machine):
    assert names(" \u200d\n\u0301") == []
