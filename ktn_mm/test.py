"""Test a network: ``python -m ktn_mm.test CFG CHECKPOINT``.

The options are those of mmpose's tools/test.py."""
from ktn_mm.engine.memory import restart_with_memory_settings
from ktn_mm.engine.mmpose_tool import run_mmpose_tool

if __name__ == '__main__':
    restart_with_memory_settings()
    run_mmpose_tool('test')
