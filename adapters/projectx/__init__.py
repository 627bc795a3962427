"""ProjectX gateways (TopStepX and others, and the practice venue): REST, two SignalR hubs, pure mapping."""
