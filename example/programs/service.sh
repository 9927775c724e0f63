#!/bin/sh
# Says what it was given, then once a second that it is still there, until it is ended.
echo "service: $*"
while sleep 1; do echo "still here at $(date +%T)"; done
