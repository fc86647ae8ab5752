"""Tests of the lab are collected only where torch is installed."""

from __future__ import annotations

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["lab/*"]
