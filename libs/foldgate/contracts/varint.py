"""Avro's variable-length integers, and the checks that keep foreign bytes from being read as what they are not."""

TABLE_SIZE = 8192


class Malformed(ValueError):
    """Bytes are not what Avro would write."""


class Misfit(ValueError):
    """A value is not one that its Avro type can hold."""


def varint(number: int) -> bytes:
    """The zig-zag variable-length bytes of a 64-bit integer."""
    if 0 <= number < TABLE_SIZE:
        return LENGTHS[number]
    if not -(1 << 63) <= number < 1 << 63:
        raise Misfit(f"Expected a number of 64 bits, but got {number}.")
    return _zig_zag(number)


def _zig_zag(number: int) -> bytes:
    rest = ((number << 1) ^ (number >> 63)) & 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def varint32(number: int) -> bytes:
    """The same of a 32-bit integer."""
    if not -(1 << 31) <= number < 1 << 31:
        raise Misfit(f"Expected a number of 32 bits, but got {number}.")
    return varint(number)


def take_int(data: bytes, at: int) -> tuple[int, int]:
    """The 32-bit integer that begins at `at`, and where it ends."""
    number, at = take_long(data, at)
    if not -(1 << 31) <= number < 1 << 31:
        raise Malformed("a number of more than 32 bits")
    return number, at


def take_long(data: bytes, at: int) -> tuple[int, int]:
    """The integer that begins at `at`, and where it ends."""
    shift = number = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise Malformed("a number of more than 64 bits")
    if number >> 64:
        raise Malformed("a number of more than 64 bits")
    return (number >> 1) ^ -(number & 1), at


def take_length(data: bytes, at: int) -> tuple[int, int]:
    """The length that begins at `at`, which must lie within the data, and where it ends."""
    length, at = take_long(data, at)
    if not 0 <= length <= len(data) - at:
        raise Malformed(f"a length of {length} where {len(data) - at} bytes are left")
    return length, at


def take_count(data: bytes, at: int) -> tuple[int, int]:
    """The number of items of the block that begins at `at`: a block may carry its size in bytes, which is not used."""
    count, at = take_long(data, at)
    if count < 0:
        count = -count
        _, at = take_long(data, at)
    if count > len(data) - at:
        raise Malformed(f"a block of {count} items where {len(data) - at} bytes are left")
    return count, at


LENGTHS = tuple(_zig_zag(length) for length in range(TABLE_SIZE))
"""The bytes of the numbers and lengths that occur most."""
BOOLEANS = {False: b"\x00", True: b"\x01"}
