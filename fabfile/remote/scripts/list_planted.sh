# Run by xargs: print the arguments that exist and do not belong to this user, or are links.
for folder; do
  [ ! -h "$folder" ] && { [ ! -e "$folder" ] || [ -O "$folder" ]; } || echo "$folder"
done
