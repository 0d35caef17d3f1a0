"""A client in sixty lines, written from docs/protocol.md alone: sixty_lines.py PORT X0 X1 ... prints HELLO and RUN."""

import json
import socket
import struct
import sys
import zlib


def stuff(data):
    out, block = b"", b""
    for byte in data + b"\0":
        if byte:
            block += bytes([byte])
        if byte == 0 or len(block) == 254:
            out += bytes([len(block) + 1]) + block
            block = b""
    return out


def unstuff(data):
    out = b""
    while data:
        code, block, data = data[0], data[1 : data[0]], data[data[0] :]
        out += block + (b"\0" if code < 255 and data else b"")
    return out


class Board:
    def __init__(self, port):
        self.line, self.seq, self.build = socket.create_connection(("127.0.0.1", port), 5), 0, 0

    def ask(self, kind, payload=b""):
        self.seq += 1
        body = struct.pack("<BHI", kind, self.seq, self.build) + payload
        self.line.sendall(b"\0" + stuff(body + struct.pack("<I", zlib.crc32(body))) + b"\0")
        received = b""
        while not received.endswith(b"\0"):
            received += self.line.recv(4096)
        body = unstuff(received[:-1])
        assert zlib.crc32(body[:-4]) == struct.unpack("<I", body[-4:])[0]
        reply, seq, self.build = struct.unpack("<BHI", body[:7])
        assert (reply, seq) == (kind | 0x80, self.seq), f"type {reply:#x}: {body[7:-4].hex()}"
        return body[7:-4]

    def hello(self):
        payload = self.ask(1)
        self.inputs, self.outputs = payload[3], payload[4]
        name = payload[77 : 77 + payload[76]].decode()
        return {"board": name, "model": payload[27:19:-1].hex(), "inputs": self.inputs}

    def run(self, x):
        reply = self.ask(2, struct.pack(f"<BB{len(x)}f", 0, len(x) // self.inputs, *x))
        record = struct.Struct(f"<BI{self.outputs}f")
        return [(path, y) for path, _, *y in record.iter_unpack(reply[2:])]


if __name__ == "__main__":
    board = Board(int(sys.argv[1]))
    print(json.dumps({"hello": board.hello(), "run": board.run([float(word) for word in sys.argv[2:]])}))
