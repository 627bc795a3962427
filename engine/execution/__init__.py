"""The order manager: makes the venue agree with the plans, and the state agree with the venue."""
