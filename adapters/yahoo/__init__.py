"""Yahoo Finance: prices only, late and without a contract, by asking its chart endpoint again and again."""
