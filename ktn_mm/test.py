"""Test a network: ``python -m ktn_mm.test CFG CHECKPOINT``.

The options are those of mmpose's tools/test.py, and --format-only PREFIX, which computes no
figures but writes PREFIX.densepose.json for tools/evaluate.py or a challenge's server."""
from ktn_mm.engine.format_only import run_test_tool
from ktn_mm.engine.memory import restart_with_memory_settings

if __name__ == '__main__':
    restart_with_memory_settings()
    run_test_tool()
