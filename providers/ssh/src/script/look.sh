found= files=
# Classifies one path without starting a process. $1: index, $2: path, $3: wanted hash or -, $4: whether its content is of interest.
look() {
  eval "path_$1=\$2 want_$1=\$3 content_$1=\$4"
  folder=${2%/*}
  if [ -f "$2" ]; then
    if [ -r "$2" ]; then
      found="$found $1" files="$files \"\$path_$1\""
    else
      say unreadable "$1"
    fi
  elif [ -d "$2" ]; then
    say other "$1" folder
  elif [ -e "$2" ]; then
    say other "$1" special
  elif [ -L "$2" ] || [ -d "${folder:-/}" ]; then
    say absent "$1" here
  else
    say absent "$1" nowhere
  fi
}
# Measures the files found since the last time: one stat and one sha256sum for all of them.
measure() {
  [ -n "$found" ] || return 0
  eval "set -- $files"
  if [ $# -eq 1 ]; then
    sums=$(sha256sum <"$1") && stats=$(stat -L -c "$facts" -- "$1") || stats=
  else
    sums=$(sha256sum -- "$@") && stats=$(stat -L -c "$facts" -- "$@") || stats=
  fi
  set -- $found
  if [ -z "$stats" ]; then
    for index in "$@"; do say unstable "$index"; done
    found= files=
    return 0
  fi
  while read -r line; do
    say stat "$1" "$line"
    shift
  done <<END
$stats
END
  set -- $found
  while read -r sum name; do
    sum=${sum#\\}
    say sum "$1" "$sum"
    eval "want=\$want_$1 content=\$content_$1 path=\$path_$1"
    if [ "$content" = 1 ] && [ "$sum" != "$want" ] && [ "$(stat -L -c %s -- "$path")" -le "$content_limit" ]; then
      say content "$1" "$(base64 <"$path" | tr -d '\n')"
    fi
    shift
  done <<END
$sums
END
  found= files=
}
