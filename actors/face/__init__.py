"""What the outside sees: the web pages and figures, the admin socket, the log."""
