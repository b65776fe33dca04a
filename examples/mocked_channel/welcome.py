"""What an application does with recallgate: welcome a new user by push, and by e-mail when the device is gone."""

from dataclasses import dataclass

from recallgate import ErrorKind, Gateway, Message


@dataclass(frozen=True)
class User:
    """A user as the application knows them."""

    id: str
    name: str
    device: str
    email: str


async def welcome(gateway: Gateway, user: User) -> str:
    """Welcome a user; answers the channel that took the message, `none` when no channel did."""
    push = Message.push(
        user.device, "Welcome", f"Good to have you, {user.name}", purpose="service", person=user.id,
        idempotency_key=f"welcome:push:{user.id}",
    )  # fmt: skip
    delivery = await gateway.send(push)
    if delivery.error is None or delivery.error.kind is not ErrorKind.UNREGISTERED_TOKEN:
        return "push" if delivery.state.taken else "none"
    mail = Message.email(
        user.email, "Welcome", text=f"Good to have you, {user.name}", purpose="service", person=user.id,
        idempotency_key=f"welcome:email:{user.id}",
    )  # fmt: skip
    return "email" if (await gateway.send(mail)).state.taken else "none"
