"""What positions are worth: P&L at the mark, excursions, the day boundary."""
