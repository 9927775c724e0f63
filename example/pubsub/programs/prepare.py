#!/usr/bin/env python3
"""What has to be done on a host once, before anything else runs there."""

import platform
import time

print(f"preparing {platform.node()}")
time.sleep(0.5)  # as if it took some work
print("prepared")
