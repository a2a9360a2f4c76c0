"""Carries frames between two network interfaces, late, and not all of them.

usage: lib-lossy-link.py INTERFACE INTERFACE MILLISECONDS PERCENT

What comes in at one goes out at the other, MILLISECONDS later; PERCENT of the frames are lost, drawn with a
fixed seed. It takes no module of the kernel, as tc's netem would. Ends when it is killed.
"""

import heapq
import random
import selectors
import socket
import sys
import time

ALL_PROTOCOLS = 3
OUTGOING = 4  # what this host itself sent there

names, delay, loss = sys.argv[1:3], float(sys.argv[3]) / 1000, float(sys.argv[4]) / 100
sockets = []
for name in names:
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    link.bind((name, 0))
    link.setblocking(False)
    sockets.append(link)
ways = selectors.DefaultSelector()
for link, other in zip(sockets, reversed(sockets)):
    ways.register(link, selectors.EVENT_READ, other)

draws = random.Random(0)
waiting, number = [], 0  # (when it goes out, its number, where, the frame)
while True:
    rest = waiting[0][0] - time.monotonic() if waiting else None
    for key, _ in ways.select(rest if rest is None else max(rest, 0)):
        for _ in range(64):
            try:
                frame, address = key.fileobj.recvfrom(1 << 17)
            except BlockingIOError:
                break
            if address[2] != OUTGOING and draws.random() >= loss:
                number += 1
                heapq.heappush(waiting, (time.monotonic() + delay, number, key.data, frame))
    while waiting and waiting[0][0] <= time.monotonic():
        _, _, link, frame = heapq.heappop(waiting)
        try:
            link.send(frame)
        except (BlockingIOError, OSError):
            pass  # a full queue loses frames, too
