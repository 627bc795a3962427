"""What decides to trade: the Strategy protocol, the strategies, and the texts of alert rooms."""
