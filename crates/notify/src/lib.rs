//! Say something somewhere: a message tree, one renderer and sender a channel.
