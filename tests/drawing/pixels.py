"""PNG files as arrays, with nothing but zlib: what tests of pictures look at."""

import struct
import zlib

import numpy as np


def read_chunks(png):
    """The chunks of a PNG by name; those of one name joined."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = {}, 8
    while place < len(png):
        length, name = struct.unpack_from(">I4s", png, place)
        body = png[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", png, place + 8 + length)[0] == zlib.crc32(name + body)
        chunks[name] = chunks.get(name, b"") + body
        place += 12 + length
    return chunks


def read_pixels(png):
    """Red, green and blue of each pixel: (height, width, 3); whatever is transparent lies on white."""
    chunks = read_chunks(png)
    width, height, depth, kind = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    assert (depth, kind) == (8, 6), "red, green, blue and opacity, a byte each"
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 4 * width)
    image = np.zeros((height + 1, width + 1, 4), np.int64)  # a line above and a pixel before the first are 0
    for row, line in enumerate(lines, 1):
        given = line[1:].reshape(width, 4).astype(np.int64)
        above = image[row - 1]
        match line[0]:
            case 0:
                image[row, 1:] = given
            case 1:
                image[row, 1:] = given.cumsum(axis=0) % 256
            case 2:
                image[row, 1:] = (given + above[1:]) % 256
            case filter:
                for at in range(1, width + 1):
                    left, up, corner = image[row, at - 1], above[at], above[at - 1]
                    if filter == 3:
                        guess = (left + up) // 2
                    else:
                        distances = np.abs(np.stack([up - corner, left - corner, left + up - 2 * corner]))
                        guess = np.choose(distances.argmin(axis=0), [left, up, corner])
                    image[row, at] = (given[at - 1] + guess) % 256
    opacity = image[1:, 1:, 3:] / 255
    return (image[1:, 1:, :3] * opacity + 255 * (1 - opacity)).round().astype(int)
