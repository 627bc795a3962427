"""How news gets there: queues, pauses, repeats counted together."""
