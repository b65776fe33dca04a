"""Rules as dated data and pure code: regulations, hours, places, consent law, opt-out words, presets, assignment."""
