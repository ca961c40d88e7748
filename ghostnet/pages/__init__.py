"""The spectators' pages: complete without JavaScript, live with it."""
