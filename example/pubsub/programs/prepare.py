#!/usr/bin/env python3
"""Prepare a host once, before other programs start there."""

import platform
import time

print(f"preparing {platform.node()}")
time.sleep(0.5)  # stands for some work
print("prepared")
