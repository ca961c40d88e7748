"""Pages for people: complete without JavaScript, live with it."""
