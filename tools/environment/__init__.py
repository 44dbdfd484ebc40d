"""The steps of tools/setup_env.py; standard library only."""
