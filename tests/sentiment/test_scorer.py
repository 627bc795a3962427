"""What the words of a headline say, beside a labelled set; the figures are `python -m bench mood`."""

from __future__ import annotations

from bench.mood import accuracy, headlines


def test_of_headlines_that_its_words_were_not_chosen_by_four_in_five_are_read_right() -> None:
    rows = headlines()
    assert len(rows) >= 300
    assert {label for label, _ in rows} == {"+", "-", "0"}
    _, held_out = accuracy()
    assert held_out.right >= 0.8
    assert held_out.turned_round <= 0.1
