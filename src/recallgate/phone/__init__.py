"""Telephone numbers: written form to E.164, and what a number says about where its owner is."""

from recallgate.phone.location import Location, NumberLocator, locate
from recallgate.phone.numbers import normalise

__all__ = ["Location", "NumberLocator", "locate", "normalise"]
