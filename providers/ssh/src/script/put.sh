# Makes what standard input holds become the file $1 with the mode $2, at once.
put_file() {
  changed=${1%/*}/.meshform-$nonce
  trap 'rm -f -- "$changed"' EXIT
  (set -C && : >"$changed") && cat >"$changed" && chmod -- "$2" "$changed" || return 1
  sync -d -- "$changed" 2>/dev/null || sync
  mv -f -- "$changed" "$1" || return 1
  if [ -e /sys/fs/selinux/enforce ]; then restorecon -- "$1" 2>/dev/null; fi
  sync -- "${1%/*}" 2>/dev/null || sync
}
# The folder with what was at $1 before we came.
name_aside() {
  before=$(printf '%s' "$1" | sha256sum)
  before=/var/lib/meshform/pre/${before%% *}
}
# Puts what is at $1 aside, once, for the way back.
put_aside() {
  name_aside "$1"
  [ ! -f "$before/what" ] || return 0
  mkdir -p -- "$before" || return 1
  if [ -f "$1" ]; then
    what="kept $(stat -L -c '%a %u %g' -- "$1")" && cp -- "$1" "$before/content" || return 1
  else
    what=absent
  fi
  printf '%s\n' "$what" >"$before/what"
}
# Gives back what was at $1, or removes it where there was nothing, or $2 is not `restore`.
give_back() {
  name_aside "$1"
  what=absent
  if [ "$2" = restore ] && [ -f "$before/what" ]; then
    read -r what mode owner group <"$before/what"
  fi
  if [ "$what" = kept ]; then
    put_file "$1" "$mode" <"$before/content" && chown -- "$owner:$group" "$1" || return 1
  else
    rm -f -- "$1" || return 1
  fi
  forget_aside "$1"
}
# What was at $1 before is no longer of interest.
forget_aside() {
  name_aside "$1"
  rm -rf -- "$before"
  # The folders go with the last of them.
  rmdir -- "${before%/*}" "${before%/pre/*}" 2>/dev/null
  return 0
}
