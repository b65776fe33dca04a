"""Access tokens: fetched once at a time, shared through the store, renewed once when the vendor calls one bad."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx

from recallgate.adapter import Adapter, Token, TokenAuth, TokenStore, authorize
from recallgate.model.clock import Clock, from_ms, to_ms
from recallgate.model.errors import ErrorKind, SendError
from recallgate.store import tokens
from recallgate.store.engine import Store

Call = Callable[[httpx.Request], Awaitable[httpx.Response]]
_EARLY = timedelta(seconds=60)
_LEASE_S = 15.0


class StoredTokens:
    """Tokens in the store, so that processes share one and do not fetch together."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def load(self, identity: str) -> Token | None:
        found = await self._store.run(lambda c: tokens.load(c, identity), small=True, urgent=True)
        return Token(found[0], from_ms(found[1])) if found else None

    async def lease(self, identity: str, holder: str, seconds: float) -> bool:
        now = to_ms(self._clock.now())
        return await self._store.run(
            lambda c: tokens.lease(c, identity, holder=holder, now=now, until=now + int(seconds * 1000)), small=True, urgent=True
        )

    async def save(self, identity: str, token: Token) -> None:
        await self._store.run(
            lambda c: tokens.save(c, identity, value=token.value, expires_at=to_ms(token.expires_at)), small=True, urgent=True
        )

    async def drop(self, identity: str, value: str) -> None:
        await self._store.run(lambda c: tokens.drop(c, identity, value=value), small=True, urgent=True)


class TokenDesk:
    """Hands out tokens to the accounts of a process."""

    def __init__(self, store: TokenStore, clock: Clock, *, holder: str) -> None:
        self._store = store
        self._clock = clock
        self._holder = holder
        self._held: dict[str, Token] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, auth: TokenAuth, call: Call) -> Token:
        """A token that holds for another minute; a failure to get one is *not sent*, whatever its kind."""
        held = self._held.get(auth.identity)
        if held is not None and held.expires_at - _EARLY > self._clock.now():
            return held
        async with self._locks.setdefault(auth.identity, asyncio.Lock()):
            held = self._held.get(auth.identity)
            if held is None or held.expires_at - _EARLY <= self._clock.now():
                self._held[auth.identity] = held = await self._fetch(auth, call)
            return held

    async def renew(self, auth: TokenAuth, bad: Token, call: Call) -> Token:
        """Another token than the bad one; many callers with the same bad token cause one fetch."""
        async with self._locks.setdefault(auth.identity, asyncio.Lock()):
            held = self._held.get(auth.identity)
            if held is not None and held.value != bad.value:
                return held
            self._held.pop(auth.identity, None)
            await self._store.drop(auth.identity, bad.value)
            self._held[auth.identity] = fresh = await self._fetch(auth, call)
            return fresh

    async def _fetch(self, auth: TokenAuth, call: Call) -> Token:
        for _ in range(40):
            known = await self._store.load(auth.identity)
            if known is not None and known.expires_at - _EARLY > self._clock.now():
                return known
            if await self._store.lease(auth.identity, self._holder, _LEASE_S):
                break
            await asyncio.sleep(0.5)
        try:
            token = auth.parse(await call(auth.build()))
        except SendError as exc:
            # whatever happened to the token request, the message has not left
            kind = exc.kind if exc.kind is not ErrorKind.UNCERTAIN else ErrorKind.UNAVAILABLE
            raise SendError(kind, exc.code, f"no access token: {exc.detail}", retry_at=exc.retry_at) from exc
        await self._store.save(auth.identity, token)
        return token


async def exchange(adapter: Adapter, build: Callable[[], httpx.Request], call: Call, desk: TokenDesk) -> httpx.Response:
    """One authorised exchange: with a token where one is needed, and once more with a new one when it was bad."""
    auth: Any = adapter.auth
    if not isinstance(auth, TokenAuth):
        return await call(authorize(adapter, build()))
    token = await desk.get(auth, call)
    response = await call(authorize(adapter, build(), token))
    if not auth.expired(response):
        return response
    token = await desk.renew(auth, token, call)
    return await call(authorize(adapter, build(), token))
