"""Trade dates, sessions, deadlines: the only place that knows exchanges' time zones and holidays."""
