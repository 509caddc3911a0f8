"""The objects of a PDF in an order that is the same on every run: bytes enter, bytes leave.

svg2pdf goes through its fonts in random order, so that a page with two of them has other bytes each time.
"""

from __future__ import annotations

import itertools
import re

REFERENCE = re.compile(rb"\b(\d+) 0 R\b")
FONTS = re.compile(rb"(?: */fo\d+ \d+ 0 R\n)+")


def order_objects(pdf: bytes) -> bytes:
    """The same document, its objects numbered and written in the order in which they are first referred to."""
    body, table = pdf.rsplit(b"\nxref\n", 1)
    trailer = table[table.index(b"trailer") : table.index(b"startxref")]
    starts = sorted(int(line[:10]) for line in table.splitlines() if line.rstrip().endswith(b" n"))
    dictionaries: dict[int, bytes] = {}
    streams: dict[int, bytes] = {}
    for start, stop in itertools.pairwise([*starts, len(body)]):
        written_number, content = body[start:stop].split(b" 0 obj", 1)
        dictionary, *stream = re.split(rb"(?=\bstream\n)", content, maxsplit=1)
        dictionaries[int(written_number)] = FONTS.sub(
            lambda lines: b"".join(sorted(lines[0].splitlines(keepends=True))), dictionary
        )
        streams[int(written_number)] = b"".join(stream)

    waiting = _list_references(trailer)
    for number in waiting:  # which grows as objects refer to others
        waiting += [other for other in _list_references(dictionaries[number]) if other not in waiting]
    numbers = {old: new for new, old in enumerate(waiting, 1)}

    def renumber(text: bytes) -> bytes:
        return REFERENCE.sub(lambda reference: b"%d 0 R" % numbers[int(reference[1])], text)

    written, places = body[: starts[0]], []
    for old, new in numbers.items():
        places.append(b"%010d 00000 n \n" % len(written))
        written += b"%d 0 obj" % new + renumber(dictionaries[old]) + streams[old].rstrip() + b"\n\n"
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(numbers) + 1)
    return written + head + b"".join(places) + renumber(trailer) + b"startxref\n%d\n%%%%EOF" % len(written)


def _list_references(text: bytes) -> list[int]:
    return [int(number) for number in dict.fromkeys(REFERENCE.findall(text))]
