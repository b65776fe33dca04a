"""What is random in production and must repeat in a simulation: codes, nonces, ids."""

import hashlib
import secrets
from dataclasses import dataclass

# Digits and letters without 0, O, 1, l and I: eleven of the 57 give 64 bits.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CODE_LENGTH = 11


class Chance:
    """Fresh random text from the system's source."""

    def code(self, *key: str) -> str:
        return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))

    def nonce(self, length: int) -> str:
        return secrets.token_hex((length + 1) // 2)[:length]


@dataclass
class Simulation(Chance):
    """The same codes and nonces for the same seed, in virtual time: no quick retries, one page at a time."""

    seed: str

    def __post_init__(self) -> None:
        self._count = 0

    def code(self, *key: str) -> str:
        number = int.from_bytes(hashlib.sha256("\x1f".join(("code", self.seed, *key)).encode()).digest(), "big")
        letters = []
        for _ in range(CODE_LENGTH):
            number, place = divmod(number, len(ALPHABET))
            letters.append(ALPHABET[place])
        return "".join(letters)

    def nonce(self, length: int) -> str:
        self._count += 1
        digest = hashlib.sha256(f"nonce\x1f{self.seed}\x1f{self._count}".encode()).hexdigest()
        return (digest * (length // 64 + 1))[:length]
