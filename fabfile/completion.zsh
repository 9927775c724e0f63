# What TAB offers behind `fab` and `remote-runner` in zsh: to be sourced once compinit has been called.
# The program says it (completion.py). Where it answers with nothing, a path is wanted, which zsh completes itself.
_remote_runner() {
    local -a root candidates
    local option=${words[(I)(-r|--search-root)]}
    (( option && option + 1 < CURRENT )) && root=(-r "${(Q)words[option + 1]/#\~/$HOME}")
    candidates=("${(@f)$("${(Q)words[1]/#\~/$HOME}" $root --complete -- "${words[1,CURRENT - 1]} $PREFIX" 2>/dev/null)}") ||
        return
    if [[ -z $candidates ]]; then _files; return; fi
    compadd -- ${candidates:#*=}
    compadd -S '' -- ${(M)candidates:#*=}  # the value of a parameter follows
}
compdef _remote_runner fab remote-runner
