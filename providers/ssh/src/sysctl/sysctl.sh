# Tells what a setting of the kernel is. $1: index, $2: its file below /proc/sys, $3: the file that keeps it.
see_sysctl() {
  if [ ! -e "/proc/sys/$2" ]; then
    say unknown "$1"
    return 0
  fi
  live=$(cat -- "/proc/sys/$2") || live=
  if [ -f "$3" ]; then
    kept=$(base64 <"$3" | tr -d '\n')
    say setting "$1" "$(printf '%s' "$live" | base64 | tr -d '\n')" file "$kept"
  else
    say setting "$1" "$(printf '%s' "$live" | base64 | tr -d '\n')" none
  fi
}
# $1: the file below /proc/sys, $2: value.
set_sysctl() {
  [ "$(cat -- "/proc/sys/$1")" = "$2" ] && return 0
  printf '%s\n' "$2" >"/proc/sys/$1" || { problem=value && return 1; }
}
# $1: the file, $2: its content; it goes if that is empty.
keep_sysctl() {
  if [ -z "$2" ]; then
    rm -f -- "$1"
    return
  fi
  [ -d "${1%/*}" ] || (umask 022 && mkdir -p -- "${1%/*}") || return 1
  changed=${1%/*}/.meshform-$nonce
  trap 'rm -f -- "$changed"' EXIT
  (umask 022 && set -C && printf '%s\n' "$2" >"$changed") && mv -f -- "$changed" "$1"
}
