"""What the journal folds to (orders, plans, positions, days, restrictions), and the function that does it."""
