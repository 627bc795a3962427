"""The only asynchronous part of the engine: inbox, effects, supervision, and the handle people hold."""
