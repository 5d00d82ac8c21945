# Tells what a folder is. $1: index, $2: path, $3, $4: to whom all in it has to belong, if that matters.
see_directory() {
  parent=${2%/*}
  if [ -d "$2" ]; then
    stats=$(stat -L -c '%a	%u	%g	%U	%G' -- "$2") || stats=
    # Names may hold anything, so they are counted as NUL bytes.
    held=$(find "$2/." ! -name . -prune -print0 2>/dev/null | tr -dc '\0' | wc -c)
    if [ -n "$3$4" ]; then
      set -- "$1" "$2" "$3" "$4" "$(strays "$2" "$3" "$4" -print0 | tr -dc '\0' | wc -c)"
    fi
    say folder "$1" "$stats"
    say also "$1" "$((held))" "$((${5:-0}))"
  elif [ -e "$2" ] || [ -L "$2" ]; then
    say other "$1"
  elif [ -d "${parent:-/}" ]; then
    say absent "$1" here
  else
    say absent "$1" nowhere
  fi
}
# What in a folder belongs to someone else than $2 and $3, links as such. $1: path; what follows is done with it.
strays() {
  path=$1 owner=$2 group=$3
  shift 3
  if [ -n "$owner" ] && [ -n "$group" ]; then
    find "$path/." \( ! -user "$owner" -o ! -group "$group" \) "$@"
  elif [ -n "$owner" ]; then
    find "$path/." ! -user "$owner" "$@"
  else
    find "$path/." ! -group "$group" "$@"
  fi
}
# $1: path, $2: mode, $3: owner, $4: group, $5: whether parents are made, $6: whether all in it gets the same owner and group.
make_directory() {
  if [ ! -d "$1" ]; then
    parent=${1%/*}
    if [ "$5" = 1 ] && [ -n "$parent" ]; then (umask 022 && mkdir -p -- "$parent"); fi || return 1
    [ -d "${parent:-/}" ] || { problem=folder && return 1; }
    mkdir -- "$1" || return 1
  fi
  if [ -n "$3" ]; then
    chown -- "$3" "$1" || { problem=owner && return 1; }
  fi
  if [ -n "$4" ]; then
    chgrp -- "$4" "$1" || { problem=group && return 1; }
  fi
  chmod -- "$2" "$1" || return 1
  [ "$6" = 1 ] || return 0
  if [ -n "$3" ]; then
    strays "$1" "$3" "" -exec chown -h -- "$3" {} + || { problem=owner && return 1; }
  fi
  if [ -n "$4" ]; then
    strays "$1" "" "$4" -exec chgrp -h -- "$4" {} + || { problem=group && return 1; }
  fi
  # A change of owner may take these bits away.
  chmod -- "$2" "$1"
}
# $1: path, $2: whether all in it goes.
unmake_directory() {
  [ -d "$1" ] || return 0
  if [ "$2" = 1 ]; then
    rm -rf -- "$1" && return 0
  else
    rmdir -- "$1" 2>/dev/null && return 0
    # What it still holds is not ours.
    [ -z "$(find "$1/." ! -name . -prune -print | head -n 1)" ] || return 0
  fi
  problem=remove
  return 1
}
# $1: path, $2, $3, $4: what its mode, owner and group were.
restore_directory() {
  chown -- "$3:$4" "$1" && chmod -- "$2" "$1"
}
