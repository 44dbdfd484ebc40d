"""A page in the browser: a picture in, surfaces, U, V and files out."""
