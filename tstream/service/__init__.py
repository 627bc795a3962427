"""The engine as a service of this user: the unit of systemd, the agent of launchd, what they are told."""
