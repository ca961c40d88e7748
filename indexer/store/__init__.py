"""The tables: written by COPY, loaded into the game, rolled back without knowing any rule."""
