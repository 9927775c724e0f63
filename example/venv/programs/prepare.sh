#!/bin/sh
# prepare.sh: install requirements.txt in the virtual environment `venv`, unless that has been done before.
set -e
wanted=$(dirname "$0")/requirements.txt
if cmp -s "$wanted" venv/requirements.txt; then
  echo "nothing to install"
  exit
fi
python3 -m venv --clear venv
venv/bin/pip install -r "$wanted"
cp "$wanted" venv/requirements.txt # comes last, so that an interrupted installation begins again
