#!/usr/bin/env python3
"""Prints what TensorBoard's own reader finds in a folder of event files, a line for each value.

    scalar TAG STEP VALUE | text TAG STEP TEXT | histogram TAG STEP min max num sum sum_squares | LIMITS | COUNTS
    image TAG STEP HEIGHT WIDTH | PIXELS, in hexadecimal digits

Returns 77 where there is no TensorBoard. Usage: read_events.py FOLDER
"""
import struct
import sys
import zlib

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    sys.exit(77)


def pixels_of(png):
    """The bytes of a PNG of 8 bits a channel, whose filters are undone (ISO/IEC 15948, 9.2)."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data = 8, b""
    while at < len(png):
        (length,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        body = png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
            assert depth == 8 and interlace == 0
            channels = {0: 1, 2: 3, 6: 4}[colour]
        data += body if kind == b"IDAT" else b""
        at += length + 12
    raw, stride = zlib.decompress(data), width * channels
    above, pixels = bytes(stride), b""
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
        for x in range(stride):
            a = row[x - channels] if x >= channels else 0
            b, c = above[x], above[x - channels] if x >= channels else 0
            near = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            row[x] = (row[x] + [0, a, b, (a + b) // 2, near][kind]) % 256
        above = bytes(row)
        pixels += above
    return pixels


events = EventAccumulator(sys.argv[1], size_guidance={"images": 0, "histograms": 0, "scalars": 0, "tensors": 0})
events.Reload()
tags = events.Tags()
for tag in tags["scalars"]:
    for e in events.Scalars(tag):
        print("scalar", tag, e.step, repr(e.value))
for tag in tags["tensors"]:
    for e in events.Tensors(tag):
        assert events.SummaryMetadata(tag).plugin_data.plugin_name == "text"
        print("text", tag, e.step, e.tensor_proto.string_val[0].decode())
for tag in tags["histograms"]:
    for e in events.Histograms(tag):
        h = e.histogram_value
        print("histogram", tag, e.step, h.min, h.max, h.num, h.sum, h.sum_squares, "|", *h.bucket_limit, "|", *h.bucket)
for tag in tags["images"]:
    for e in events.Images(tag):
        print("image", tag, e.step, e.height, e.width, "|", pixels_of(e.encoded_image_string).hex())
