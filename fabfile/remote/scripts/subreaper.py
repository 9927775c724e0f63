# Start screen as a child subreaper (PR_SET_CHILD_SUBREAPER, prctl(2)): a process that has lost its parent becomes a
# child of the screen server, and not of init. So `fab kill` finds it below the server, whatever it did to hide.
import os
import sys

try:
    import ctypes

    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
finally:
    os.setsid()
    os.execvp("screen", sys.argv[1:])
