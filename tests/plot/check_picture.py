"""Whether a file is a whole SVG or PNG picture of a size; prints the texts of an SVG, a line each.

usage: check_picture.py FILE WIDTH HEIGHT
"""
import struct
import sys
import xml.etree.ElementTree as xml
import zlib


def png_size(contents):
    assert contents[:8] == b"\x89PNG\r\n\x1a\n", contents[:8]
    chunks, at = {}, 8
    while at < len(contents):
        (length,) = struct.unpack(">I", contents[at : at + 4])
        body = contents[at + 4 : at + 8 + length]
        assert struct.unpack(">I", contents[at + 8 + length : at + 12 + length])[0] == zlib.crc32(body)
        chunks[body[:4]] = chunks.get(body[:4], b"") + body[4:]
        at += 12 + length
    assert list(chunks)[0] == b"IHDR" and list(chunks)[-1] == b"IEND", list(chunks)
    zlib.decompress(chunks[b"IDAT"])
    return struct.unpack(">2I", chunks[b"IHDR"][:8])


def read_svg(path):
    """Width and height, and the texts."""
    root = xml.parse(path).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg", root.tag
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    return (int(root.get("width")), int(root.get("height"))), texts


def main():
    path, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if path.endswith(".svg"):
        size, texts = read_svg(path)
        print("\n".join(texts))
    else:
        with open(path, "rb") as file:
            size = png_size(file.read())
    assert size == (width, height), size


if __name__ == "__main__":
    main()
