"""A FastAPI application that signs people in with a code: it sends, hears the vendor's reports, and tells the state.

Run it with `uvicorn app:app`; set RECALLGATE_ACCOUNT_SMS to a DSN such as
`twilio.sms://SID:TOKEN@default?sender=+15005550006`, RECALLGATE_PUBLIC_URL to `https://your.host/messages`, and
RECALLGATE_STORE to `sqlite:///messages.sqlite`.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from recallgate import ConfigError, Gateway, Message
from recallgate.web import gateway_app


class SignIn(BaseModel):
    """Who wants to sign in; `request_id` is made by the client, so that a repeated request sends one code."""

    phone: str = Field(pattern=r"^\+[1-9]\d{6,14}$")
    request_id: str = Field(min_length=8, max_length=64)


def make_app(gateway: Gateway) -> FastAPI:
    """The application around a gateway; it opens the gateway when it starts, and works off what waits while it runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with gateway:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/sign-in", status_code=202)
    async def sign_in(asked: SignIn) -> dict[str, str]:
        code = f"{secrets.randbelow(1_000_000):06d}"
        message = Message.sms(
            asked.phone, f"Your code is {code}", purpose="otp", id=asked.request_id, tags=frozenset({"sign-in"})
        )
        delivery = await gateway.send(message)
        if not delivery.state.taken and delivery.state not in ("uncertain", "queued", "held"):
            raise HTTPException(502, "the code could not be sent")
        return {"message": delivery.message_id, "state": delivery.state}

    @app.get("/messages/{message_id}/state")
    async def state(message_id: str) -> dict[str, str]:
        try:
            told = await gateway.explain(message_id)
        except ConfigError as exc:
            raise HTTPException(404, "no such message") from exc
        return {"state": told["message"]["state"]}

    # vendors' callbacks, short links and unsubscribe pages, under the path that `public_url` ends with
    app.mount("/messages", gateway_app(gateway))
    return app


def __getattr__(name: str) -> FastAPI:
    """`app` for uvicorn, made from the environment when it is asked for."""
    if name == "app":
        return make_app(Gateway.from_environment())
    raise AttributeError(name)
