"""The database tables: written by COPY, loaded into the game's state, rolled back without knowing any game rule."""
