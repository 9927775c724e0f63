#!/bin/sh
# service.sh [WORD...]: print the words, then a line every second until it is killed.
echo "service: $*"
while sleep 1; do echo "still here at $(date +%T)"; done
