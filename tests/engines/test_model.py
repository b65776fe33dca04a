"""Both databases do what a plain model says; `python tests/model.py --steps 10000` does more of it."""

import model


def test_sqlite_is_at_every_step_as_the_model_says() -> None:
    model.run("sqlite://", steps=400)


def test_postgres_is_at_every_step_as_the_model_says(postgres_url: str) -> None:
    model.run(postgres_url, steps=160)
