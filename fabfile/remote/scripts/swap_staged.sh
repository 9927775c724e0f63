# Run by xargs: put each staged entry in the place of one that rename(2) would not replace, such as a link in the place
# of a folder. The old entry waits in a folder beside the staging folder, and returns if the new one cannot be moved.
for path; do
  folder=${path%/*} name=${path##*/}
  staged=$folder/$staging/$name old=$folder/$staging-old/$name
  if [ -e "$staged" ] || [ -h "$staged" ]; then
    mv -T -- "$path" "$old" && { mv -T -- "$staged" "$path" || mv -T -- "$old" "$path"; }
  fi
done
