# What TAB offers behind `fab` and `remote-runner`, in bash 4 or newer: to be sourced.
# The program says it (completion.py). Where it answers with nothing, a path is wanted, which bash completes itself.
_remote_runner() {
    local line=${COMP_LINE:0:COMP_POINT} root=() kept candidates candidate
    [[ $line =~ [[:space:]](-r|--search-root)[[:space:]=]+([^[:space:]]+)[[:space:]] ]] &&
        root=(-r "${BASH_REMATCH[2]/#\~/$HOME}")
    candidates=$("${1/#\~/$HOME}" "${root[@]}" --complete -- "$line" 2>/dev/null) && [[ ! $candidates ]] && return
    compopt +o bashdefault +o default
    # $2 is what TAB replaces. Of the word, `--limit=`, the `user@` of a host, and an open quote stay before it.
    kept=${line:0:${#line}-${#2}}
    kept=${kept##*[[:space:]]}
    while IFS= read -r candidate; do
        [[ $candidate && $candidate == "${kept//[\\\"\']/}${2//\\/}"* ]] || continue
        candidate=${candidate#"${kept//[\\\"\']/}"}
        [[ $kept == *[\"\'] ]] || printf -v candidate %q "$candidate"
        COMPREPLY+=("${candidate//\\,/,}")
        [[ $candidate == *= ]] && compopt -o nospace  # the value of a parameter follows
    done <<<"$candidates"
}
complete -o bashdefault -o default -F _remote_runner fab remote-runner
