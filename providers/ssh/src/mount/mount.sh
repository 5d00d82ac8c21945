# A path as fstab and mountinfo write it. $1: path, without control characters.
escaped() {
  printf '%s\n' "$1" | sed -e 's/\\/\\134/g' -e 's/ /\\040/g'
}
# The place $1 without links, $real, and by the names that fstab and mountinfo may have for it: $named, $here. A mount that does not answer is not asked.
name_point() {
  named=$(escaped "$1")
  parent=$(readlink -f -- "${1%/*}/") || parent=${1%/*}
  real=${parent%/}/${1##*/}
  here=$(escaped "$real")
  find_live
  if [ -z "$live" ] && [ -L "$1" ]; then
    real=$(readlink -f -- "$1") || return 0
    here=$(escaped "$real")
    find_live
  fi
}
# What is mounted there, on top: $live is its type, or nothing.
find_live() {
  live= live_source= live_options=
  while read -r id parent_id number root point options rest; do
    [ "$point" = "$here" ] || continue
    read -r live live_source super <<END
${rest#*- }
END
    live_options=$options,$super
  done </proc/self/mountinfo
}
# Whether a line of fstab, as its first two words, is about this place.
is_entry() {
  case $1 in '' | '#'*) return 1 ;; esac
  [ "${2%/}" = "$here" ] || [ "${2%/}" = "$named" ]
}
# The device that a source names, or the source itself.
device() {
  case $1 in
    UUID=* | LABEL=* | PARTUUID=* | PARTLABEL=*)
      found=$(findfs "$1" 2>/dev/null) || found=
      [ -n "$found" ] || found=/dev/disk/by-$(printf '%s' "${1%%=*}" | tr '[:upper:]' '[:lower:]')/${1#*=}
      readlink -f -- "$found" || printf '%s' "$1"
      ;;
    /dev/*) readlink -f -- "$1" || printf '%s' "$1" ;;
    *) printf '%s' "$1" ;;
  esac
}
# Whether what is mounted at $1 comes from $2. $3: whether it is a part of another file system.
comes_from() {
  if [ "$3" = 1 ]; then
    [ "$(stat -L -c %d:%i -- "$1")" = "$(stat -L -c %d:%i -- "$2")" ]
  else
    wanted_source=$(escaped "$2" | sed 's/#/\\043/g')
    [ "${live_source%/}" = "${wanted_source%/}" ] || [ "$(device "$live_source")" = "$(device "$2")" ]
  fi
}
# Tells what fstab says of a place, and what is mounted there. $1: index, $2: path, $3: source, $4: whether that is a part of another one.
see_mount() {
  name_point "$2"
  entries=0 entry=
  if [ -r /etc/fstab ]; then
    while read -r source point type options dump pass rest || [ -n "$source" ]; do
      is_entry "$source" "$point" || continue
      entries=$((entries + 1))
      entry="$source	$type	$options	${dump:-0}	${pass:-0}"
    done </etc/fstab
  fi
  if [ "$entries" = 0 ] && [ -z "$live" ]; then say absent "$1"; fi
  if [ "$entries" != 0 ]; then say entry "$1" "$entries" "$entry"; fi
  if [ -n "$live" ]; then
    same=no
    if [ -n "$3" ] && comes_from "$2" "$3" "$4"; then same=yes; fi
    say live "$1" "$live" "$live_source" "$live_options" "$same"
  elif [ -e "$2" ]; then
    say also_point "$1" there
  else
    say also_point "$1" missing
  fi
}
# Makes $2 the entry of the place, or leaves it without one. $was_fstab is what it was.
write_entry() {
  fstab=$(readlink -f /etc/fstab) || return 1
  [ -e "$fstab" ] || (umask 022 && : >"$fstab") || return 1
  new_fstab=${fstab%/*}/.meshform-$nonce.new was_fstab=${fstab%/*}/.meshform-$nonce.was
  trap 'rm -f -- "$new_fstab" "$was_fstab"' EXIT
  cp -a -- "$fstab" "$was_fstab" && cp -a -- "$fstab" "$new_fstab" || return 1
  written=0
  while IFS= read -r line || [ -n "$line" ]; do
    read -r source point rest <<END
$line
END
    if is_entry "$source" "$point"; then
      if [ "$written" = 0 ] && [ -n "$2" ]; then printf '%s\n' "$2"; fi
      written=1
    else
      printf '%s\n' "$line"
    fi
  done <"$was_fstab" >"$new_fstab" || return 1
  if [ "$written" = 0 ] && [ -n "$2" ]; then printf '%s\n' "$2" >>"$new_fstab" || return 1; fi
  put_fstab "$new_fstab"
}
# Makes $1 become fstab, if nobody has written to that meanwhile.
put_fstab() {
  ! cmp -s -- "$fstab" "$1" || return 0
  if [ "$1" = "$new_fstab" ] && ! cmp -s -- "$fstab" "$was_fstab"; then
    problem=changed
    return 1
  fi
  sync -d -- "$1" 2>/dev/null || sync
  mv -f -- "$1" "$fstab" || return 1
  sync -- "${fstab%/*}" 2>/dev/null || sync
  # systemd makes its units of it.
  if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
}
# Whether what is mounted lacks one of the words $1, has one of the words $2, or has another value than the words $3 say.
is_otherwise() {
  old_ifs=$IFS
  IFS=,
  otherwise=1
  for word in $1; do case ,$live_options, in *",$word,"*) ;; *) otherwise=0 ;; esac; done
  for word in $2; do case ,$live_options, in *",$word,"*) otherwise=0 ;; esac; done
  for word in $3; do
    case ,$live_options, in
      *",$word,"*) ;;
      *",${word%%=*}="*) otherwise=0 ;;
    esac
  done
  IFS=$old_ifs
  return "$otherwise"
}
# Makes what is mounted, or not, be as wanted.
# $1: path, $2: source, $3: type, $4: options, $5: whether it is a part of another file system, $6: options to change it by;
# $7, $8, $9: what `is_otherwise` takes.
attach() {
  name_point "$1"
  if [ -n "$live" ] && [ "$live" != autofs ] && ! comes_from "$1" "$2" "$5"; then
    unmount "$1" || return 1
    live=
  fi
  bind=
  if [ "$5" = 1 ]; then bind=,bind; fi
  if [ -z "$live" ]; then
    make_point "$1" "$2" "$5" || { problem=point && return 1; }
    mount -t "$3" -o "$4" -- "$2" "$1" || { problem=mount && return 1; }
    # A part of another file system has that one's options until it is told its own.
    [ "$5" = 1 ] || return 0
  fi
  name_point "$1"
  [ "$live" != autofs ] && is_otherwise "$7" "$8" "$9" || return 0
  mount -o "remount$bind,$6" -- "$1" || { problem=remount && return 1; }
}
# $1: path, $2: source, $3: whether that is a part of another file system, such as a file.
make_point() {
  if [ -e "$1" ]; then
    return 0
  elif [ "$3" = 1 ] && [ -f "$2" ]; then
    (umask 022 && mkdir -p -- "${1%/*}/" && : >"$1")
  else
    (umask 022 && mkdir -p -- "$1")
  fi
}
# Unmounts $1, or says who uses it.
unmount() {
  name_point "$1"
  [ -n "$live" ] || return 0
  if [ "$live" = autofs ] && [ -d /run/systemd/system ]; then
    systemctl stop "$(systemd-escape --path --suffix=automount "$1")"
    name_point "$1"
    [ -n "$live" ] || return 0
  fi
  umount -- "$1" && return 0
  tell_users
  problem=busy
  return 1
}
# Whether the process $1 has something open there. Of names in /proc only what they lead to is of interest.
uses() {
  ls -l "$1/cwd" "$1/root" "$1/exe" "$1/fd" | sed 's/$/\//' | grep -F -q -e " -> $real/" ||
    sed 's/$/\//' "$1/maps" | grep -F -q -e " $real/"
}
# Says who uses what is mounted there.
tell_users() {
  for process in /proc/[0-9]*; do
    uses "$process" 2>/dev/null || continue
    printf 'used by process %s (%s) of %s\n' "${process#/proc/}" "$(cat "$process/comm")" "$(stat -c %U "$process")"
  done
  while read -r id parent_id number root point rest; do
    case $point in "$here"/*) printf 'under it, %s is mounted\n' "$point" ;; esac
  done </proc/self/mountinfo
}
# Puts the entry back that was there, as what it says cannot be mounted.
attach_or_undo() {
  attach "$@" && return 0
  if [ -n "$was_fstab" ] && [ "$problem" = mount ]; then put_fstab "$was_fstab"; fi
  return 1
}
# $1: path, $2: whether it was mounted by us, $3: whether its mount point was made.
unmake_mount() {
  if [ "$2" = 1 ]; then unmount "$1" || return 1; fi
  name_point "$1"
  write_entry "$1" '' || return 1
  [ "$3" = 1 ] && [ -z "$live" ] || return 0
  if [ -d "$1" ]; then
    rmdir -- "$1" 2>/dev/null
  elif [ -f "$1" ] && [ ! -s "$1" ]; then
    rm -f -- "$1"
  fi
  return 0
}
