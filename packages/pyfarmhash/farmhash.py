"""FarmHash's two fingerprints, in Python alone.

The algorithms are Google's FarmHash (https://github.com/google/farmhash): `farmhashna::Hash64` is its `Fingerprint64`
and `farmhashmk::Hash32` its `Fingerprint32`. All arithmetic is modulo 2**64 and 2**32; words are little-endian.
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["fingerprint32", "fingerprint64"]

_M64, _M32 = (1 << 64) - 1, (1 << 32) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_C1, _C2, _C3 = 0xCC9E2D51, 0x1B873593, 0xE6546B64


def fingerprint64(data: bytes | str) -> int:
    """The 64-bit fingerprint of some bytes, the same on every machine.

    Args:
        data: bytes, or a text, which counts as its UTF-8 bytes.

    Returns:
        A number from 0 to 2**64 - 1.
    """
    text = _bytes(data)
    size = len(text)
    if size <= 16:
        return _up_to_16(text, size)
    if size <= 32:
        return _up_to_32(text, size)
    if size <= 64:
        return _up_to_64(text, size)
    return _longer(text, size)


def fingerprint32(data: bytes | str) -> int:
    """The 32-bit fingerprint of some bytes, the same on every machine.

    Args:
        data: bytes, or a text, which counts as its UTF-8 bytes.

    Returns:
        A number from 0 to 2**32 - 1.
    """
    text = _bytes(data)
    size = len(text)
    if size <= 4:
        return _up_to_4_of_32(text, size)
    if size <= 12:
        return _up_to_12_of_32(text, size)
    if size <= 24:
        return _up_to_24_of_32(text, size)
    return _longer_of_32(text, size)


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(
        f"farmhash.{name}: this is Edgeline's pure-Python farmhash, which has {', '.join(__all__)} only"
    )


def _bytes(data: Any) -> bytes:
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    raise TypeError(f"a fingerprint is taken of bytes or of a text, not of {type(data).__name__}")


# 64 bits


def _word(text: bytes, at: int) -> int:
    return int.from_bytes(text[at : at + 8], "little")


def _turn(value: int, by: int) -> int:
    """Rotates 64 bits to the right."""
    value &= _M64
    return (value >> by) | (value << (64 - by)) & _M64


def _shift_mix(value: int) -> int:
    value &= _M64
    return value ^ (value >> 47)


def _mix(u: int, v: int, factor: int) -> int:
    """Two words to one."""
    a = _shift_mix((u ^ v) * factor)
    b = _shift_mix((v ^ a) * factor)
    return b * factor & _M64


def _up_to_16(text: bytes, size: int) -> int:
    factor = _K2 + size * 2
    if size >= 8:
        a = _word(text, 0) + _K2
        b = _word(text, size - 8)
        c = _turn(b, 37) * factor + a
        d = (_turn(a, 25) + b) * factor
        return _mix(c & _M64, d & _M64, factor)
    if size >= 4:
        a = _word32(text, 0)
        return _mix(size + (a << 3), _word32(text, size - 4), factor)
    if size > 0:
        y = text[0] + (text[size >> 1] << 8)
        z = size + (text[-1] << 2)
        return _shift_mix(y * _K2 ^ z * _K0) * _K2 & _M64
    return _K2


def _ends(text: bytes, size: int, factor: int, first: int) -> tuple[int, int, int]:
    """The first and the last 16 bytes mixed; also the word that both of its callers go on with."""
    a = _word(text, 0) * first
    b = _word(text, 8)
    c = _word(text, size - 8) * factor
    d = _word(text, size - 16) * _K2
    y = _turn(a + b, 43) + _turn(c, 30) + d
    return y & _M64, (a + _turn(b + _K2, 18) + c) & _M64, a


def _up_to_32(text: bytes, size: int) -> int:
    factor = _K2 + size * 2
    u, v, _ = _ends(text, size, factor, _K1)
    return _mix(u, v, factor)


def _up_to_64(text: bytes, size: int) -> int:
    factor = _K2 + size * 2
    y, v, a = _ends(text, size, factor, _K2)
    z = _mix(y, v, factor)
    e = _word(text, 16) * factor
    f = _word(text, 24)
    g = (y + _word(text, size - 32)) * factor
    h = (z + _word(text, size - 24)) * factor
    u = _turn(e + f, 43) + _turn(g, 30) + h
    v = e + _turn(f + a, 18) + g
    return _mix(u & _M64, v & _M64, factor)


def _absorb(text: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """Takes 32 bytes into a state of two words."""
    w, x, y, z = (_word(text, at + step) for step in (0, 8, 16, 24))
    a += w
    b = _turn(b + a + z, 21)
    c = a
    a += x + y
    b += _turn(a, 44)
    return (a + z) & _M64, (b + c) & _M64


def _longer(text: bytes, size: int) -> int:
    rest = (size - 1) & 63
    x = y = 81
    y = y * _K1 + 113 & _M64
    z = _shift_mix(y * _K2 + 113) * _K2 & _M64
    x = x * _K2 + _word(text, 0) & _M64
    state = x, y, z, (0, 0), (0, 0)
    for at in range(0, size - 1 - rest, 64):
        state = _block(text, at, state, _K1, 1)
    x, y, z, v, w = state
    factor = _K1 + ((z & 0xFF) << 1)
    first = w[0] + rest
    v = (v[0] + first) & _M64, v[1]
    w = (first + v[0]) & _M64, w[1]
    # The last 64 bytes, some of which were taken in already.
    x, y, z, v, w = _block(text, size - 64, (x, y, z, v, w), factor, 9)
    return _mix(
        (_mix(v[0], w[0], factor) + _shift_mix(y) * _K0 + z) & _M64, (_mix(v[1], w[1], factor) + x) & _M64, factor
    )


_State = tuple[int, int, int, tuple[int, int], tuple[int, int]]


def _block(text: bytes, at: int, state: _State, factor: int, weight: int) -> _State:
    """Takes 64 bytes in; `weight` is 9 for the last block."""
    x, y, z, v, w = state
    x = _turn(x + y + v[0] + _word(text, at + 8), 37) * factor & _M64
    y = _turn(y + v[1] + _word(text, at + 48), 42) * factor & _M64
    x ^= w[1] * weight & _M64
    y += v[0] * weight + _word(text, at + 40)
    z = _turn(z + w[0], 33) * factor & _M64
    v = _absorb(text, at, v[1] * factor, x + w[0])
    w = _absorb(text, at + 32, z + w[1], y + _word(text, at + 16))
    return z, y & _M64, x, v, w


# 32 bits


def _word32(text: bytes, at: int) -> int:
    return int.from_bytes(text[at : at + 4], "little")


def _turn32(value: int, by: int) -> int:
    """Rotates 32 bits to the right."""
    value &= _M32
    return (value >> by) | (value << (32 - by)) & _M32


def _step(value: int) -> int:
    return (_turn32(value, 19) * 5 + _C3) & _M32


def _scramble(value: int) -> int:
    return _turn32(value * _C1, 17) * _C2 & _M32


def _join(value: int, state: int) -> int:
    return _step((state ^ _scramble(value)) & _M32)


def _finish(value: int) -> int:
    value &= _M32
    value = (value ^ value >> 16) * 0x85EBCA6B & _M32
    value = (value ^ value >> 13) * 0xC2B2AE35 & _M32
    return value ^ value >> 16


def _up_to_4_of_32(text: bytes, size: int) -> int:
    b, c = 0, 9
    for byte in text:
        b = (b * _C1 + (byte if byte < 128 else byte - 256)) & _M32  # a signed char
        c ^= b
    return _finish(_join(b, _join(size, c)))


def _up_to_12_of_32(text: bytes, size: int) -> int:
    a = size + _word32(text, 0)
    b = size * 5 + _word32(text, size - 4)
    c = 9 + _word32(text, (size >> 1) & 4)
    return _finish(_join(c, _join(b, _join(a, size * 5))))


def _up_to_24_of_32(text: bytes, size: int) -> int:
    half = size >> 1
    a, b, c, d, e, f = (_word32(text, at) for at in (half - 4, 4, size - 8, half, 0, size - 4))
    a = _turn32(a, 12) + f
    h = _join(c, d * _C1 + size) + a
    a = _turn32(a, 3) + c
    h = _join(e, h) + a
    a = _turn32(a + f, 12) + d
    return _finish(_join(b, h) + a)


def _longer_of_32(text: bytes, size: int) -> int:
    last = [_scramble(_word32(text, size - back)) for back in (4, 8, 16, 12, 20)]
    h = _step(_step(size ^ last[0]) ^ last[2])
    g = _step(_step(_C1 * size & _M32 ^ last[1]) ^ last[3])
    f = _turn32(_C1 * size + last[4], 19) + 113
    for at in range(0, (size - 1) // 20 * 20, 20):
        a, b, c, d, e = (_word32(text, at + step) for step in (0, 4, 8, 12, 16))
        h = _join(d, h + a) + e
        g_in, f_in = g + b, f + c
        g = _join(c, g_in) + a
        f = _join(b + e * _C1, f_in) + d
        f += g
        g += f
    g, f = (_turn32(_turn32(value, 11) * _C1, 17) * _C1 for value in (g, f))
    h = _turn32(_step(h + g), 17) * _C1
    return _turn32(_step(h + f), 17) * _C1 & _M32
