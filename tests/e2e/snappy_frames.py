"""Snappy's framing format in plain Python: slow, but no package is needed for it. Writing alternates between chunks
that are stored and chunks that are compressed, so that a reader of it meets both."""
import struct

BEGIN = b"\xff\x06\x00\x00sNaPpY"
COMPRESSED, STORED, PADDING, IDENTIFIER = 0x00, 0x01, 0xfe, 0xff
CHUNK_MOST = 65536

TABLE = []
for _i in range(256):
    _c = _i
    for _ in range(8):
        _c = (_c >> 1) ^ (0x82f63b78 if _c & 1 else 0)
    TABLE.append(_c)


def crc32c(data):
    c = 0xffffffff
    for b in data:
        c = TABLE[(c ^ b) & 0xff] ^ (c >> 8)
    return c ^ 0xffffffff


def masked_crc(data):
    c = crc32c(data)
    return ((c >> 15 | c << 17) + 0xa282ead8) & 0xffffffff


def varint(n):
    out = b""
    while n >= 0x80:
        out, n = out + bytes([n & 0x7f | 0x80]), n >> 7
    return out + bytes([n])


def compress(data):
    """A block: runs of one byte become copies, the rest are literals."""
    out, at, literal = varint(len(data)), 0, b""

    def literals(b):
        block = b""
        for i in range(0, len(b), 60):
            part = b[i:i + 60]
            block += bytes([(len(part) - 1) << 2]) + part
        return block

    while at < len(data):
        run = 1
        while at + run < len(data) and data[at + run] == data[at]:
            run += 1
        literal += data[at:at + 1]
        if run >= 5:
            out, literal, left = out + literals(literal), b"", run - 1
            while left:
                n = min(left, 64)
                out, left = out + bytes([(n - 1) << 2 | 2]) + struct.pack("<H", 1), left - n
            at += run
        else:
            at += 1
    return out + literals(literal)


def decompress(block):
    """The bytes of a block. ValueError if it is none."""
    n = shift = at = 0
    while True:
        b, at = block[at], at + 1
        n |= (b & 0x7f) << shift
        shift += 7
        if b < 0x80:
            break
    out = bytearray()
    while at < len(block):
        tag = block[at]
        kind, at = tag & 3, at + 1
        if kind == 0:
            length = tag >> 2
            if length >= 60:
                more = length - 59
                length, at = int.from_bytes(block[at:at + more], "little"), at + more
            out += block[at:at + length + 1]
            at += length + 1
            continue
        if kind == 1:
            length, offset, at = 4 + (tag >> 2 & 7), (tag >> 5) << 8 | block[at], at + 1
        else:
            size = 2 if kind == 2 else 4
            length, offset, at = 1 + (tag >> 2), int.from_bytes(block[at:at + size], "little"), at + size
        if not 0 < offset <= len(out):
            raise ValueError("a copy from before the beginning")
        for _ in range(length):
            out.append(out[-offset])
    if len(out) != n:
        raise ValueError(f"{len(out)} bytes and not {n}")
    return bytes(out)


def chunk(kind, body):
    return struct.pack("<I", kind | len(body) << 8) + body


def snappy_write(data, begin=False):
    out = BEGIN if begin else b""
    for at in range(0, len(data), CHUNK_MOST):
        part = data[at:at + CHUNK_MOST]
        crc = struct.pack("<I", masked_crc(part))
        if len(part) % 2:
            out += chunk(STORED, crc + part)
        else:
            out += chunk(COMPRESSED, crc + compress(part))
    return out


class SnappyReader:
    """Bytes in pieces; what they hold. ValueError for what is no snappy."""

    def __init__(self):
        self.got, self.began = b"", False

    def feed(self, data):
        self.got += data
        out = b""
        while len(self.got) >= 4:
            head = struct.unpack_from("<I", self.got)[0]
            kind, n = head & 0xff, head >> 8
            if len(self.got) < 4 + n:
                break
            body, self.got = self.got[4:4 + n], self.got[4 + n:]
            out += self.one(kind, body)
        return out

    def one(self, kind, body):
        if not self.began and kind != IDENTIFIER:
            raise ValueError("a stream begins with its identifier")
        if kind == IDENTIFIER:
            if body != b"sNaPpY":
                raise ValueError(f"the identifier is {body!r}")
            self.began = True
            return b""
        if kind in (COMPRESSED, STORED):
            part = decompress(body[4:]) if kind == COMPRESSED else body[4:]
            if len(part) > CHUNK_MOST or masked_crc(part) != struct.unpack_from("<I", body)[0]:
                raise ValueError("a chunk is too long, or its checksum is wrong")
            return part
        if kind < 0x80:
            raise ValueError(f"a chunk of unknown kind {kind}")
        return b""
