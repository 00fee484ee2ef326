"""The RSA key that SecureString parameters are encrypted with, and its rotation.

`protocol.md`, "Request": PKCS#1 v1.5, base64, the key comes with the generated module, is rotated, and one
version back still works. That the key is .NET's XML (`RSACryptoServiceProvider.FromXmlString`) and the
clear text UTF-8 is what the community client ExoHelper does, which took its `EncryptValue` from Microsoft's
module.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric import rsa

_BITS = 2048


class Keys:
    """The current key and the one before. every: seconds after which there is a new one; None for never.

    A key is made when it is first asked for: it takes a moment. Time is passed in, in seconds.
    """

    def __init__(self, every: float | None) -> None:
        self._every = every
        self._turned = 0
        self._start: float | None = None
        self._keys: dict[int, rsa.RSAPrivateKey] = {}

    def rotate(self) -> None:
        """From now on there is a new one."""
        self._turned += 1

    def xml(self, now: float) -> str:
        """The current public key, as .NET writes it."""
        numbers = self._current(now).public_key().public_numbers()
        modulus, exponent = (_base64(number) for number in (numbers.n, numbers.e))
        return f"<RSAKeyValue><Modulus>{modulus}</Modulus><Exponent>{exponent}</Exponent></RSAKeyValue>"

    def unseal(self, text: str, now: float) -> str | None:
        """The clear text; None if neither key opens it."""
        try:
            sealed = base64.b64decode(text, validate=True)
        except ValueError:
            return None
        self._current(now)
        opened = (_opened(sealed, key) for key in reversed(self._keys.values()))
        return next((clear for clear in opened if clear is not None), None)

    def _current(self, now: float) -> rsa.RSAPrivateKey:
        self._start = now if self._start is None else self._start
        version = self._turned + (0 if self._every is None else int((now - self._start) / self._every))
        self._keys = {number: key for number, key in self._keys.items() if number >= version - 1}
        if version not in self._keys:
            self._keys[version] = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        return self._keys[version]


def _base64(number: int) -> str:
    return base64.b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()


def _opened(sealed: bytes, key: rsa.RSAPrivateKey) -> str | None:
    """By hand, since the library answers a wrong key with a made-up text, so that attackers learn nothing."""
    numbers = key.private_numbers()
    size = _BITS // 8
    number = int.from_bytes(sealed, "big")
    if len(sealed) != size or number >= numbers.public_numbers.n:
        return None
    block = pow(number, numbers.d, numbers.public_numbers.n).to_bytes(size, "big")
    end = block.find(b"\0", 2)
    if block[:2] != b"\0\2" or end < 10:
        return None
    try:
        return block[end + 1 :].decode()
    except UnicodeDecodeError:
        return None
