"""Where keys and tokens are kept: each store fulfils engine.ports.SecretStore. No value is printed."""
