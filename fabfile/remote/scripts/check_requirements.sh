# Before fab start: fail if components need a program that this host lacks.
# Needs as arguments what check_requirements takes.
. ./prologue.sh
. ./requirements.sh

main() { check_requirements "$@"; }
