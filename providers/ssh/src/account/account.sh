# Tells what a group is. $1: index, $2: name.
see_group() {
  if entry=$(lookup group "$2"); then
    rest=${entry#*:*:}
    say group "$1" "${rest%%:*}"
  else
    say absent "$1"
  fi
}
# Tells what a user is. $1: index, $2: name.
see_user() {
  if entry=$(lookup passwd "$2"); then
    IFS=: read -r name secret uid gid comment home shell <<END
$entry
END
    say user "$1" "$uid" "$gid" "$(id -gn "$2")" "$home" "$shell" "$comment"
    for group in $(id -Gn "$2"); do say member "$1" "$group"; done
  else
    say absent "$1"
  fi
}
# Sets one field of an entry where there is no tool for it. $1: file, $2: name, $3: the field's number, $4: value.
set_field() {
  changed=$1.meshform-$nonce
  (umask 022 && ENTRY=$2 FIELD=$3 VALUE=$4 awk '
    BEGIN { FS = OFS = ":" }
    $1 == ENVIRON["ENTRY"] { $(ENVIRON["FIELD"] + 0) = ENVIRON["VALUE"] }
    { print }
  ' "$1" >"$changed") && mv -f -- "$changed" "$1"
}
# Makes the group $name with the number $gid, if that is not empty.
make_group() {
  if lookup group "$name" >/dev/null; then
    [ -n "$gid" ] || return 0
    if command -v groupmod >/dev/null; then
      groupmod -g "$gid" "$name"
    else
      set_field /etc/group "$name" 3 "$gid"
    fi
  elif command -v groupadd >/dev/null; then
    set --
    [ -z "$gid" ] || set -- "$@" -g "$gid"
    [ "$system" = 0 ] || set -- "$@" -r
    groupadd "$@" "$name"
  else
    set --
    [ -z "$gid" ] || set -- "$@" -g "$gid"
    [ "$system" = 0 ] || set -- "$@" -S
    addgroup "$@" "$name"
  fi
}
unmake_group() {
  lookup group "$name" >/dev/null || return 0
  if command -v groupdel >/dev/null; then groupdel "$name"; else delgroup "$name"; fi
}
# Makes the user $name: $uid, $group, $shell and $home count if they are not empty, $comment and $groups if has_… is 1.
make_user() {
  if [ -n "$group" ] && ! lookup group "$group" >/dev/null; then
    problem="group $group"
    return 1
  fi
  for one in $groups; do
    lookup group "$one" >/dev/null && continue
    problem="group $one"
    return 1
  done
  if lookup passwd "$name" >/dev/null; then
    change_user || return 1
  else
    add_user || return 1
  fi
  [ "$has_groups" = 0 ] || join_groups
}
add_user() {
  set --
  if command -v useradd >/dev/null; then
    if [ -n "$group" ]; then
      set -- -g "$group"
    elif lookup group "$name" >/dev/null; then
      set -- -g "$name"
    fi
    [ -z "$uid" ] || set -- "$@" -u "$uid"
    [ -z "$shell" ] || set -- "$@" -s "$shell"
    [ -z "$home" ] || set -- "$@" -d "$home"
    [ "$has_comment" = 0 ] || set -- "$@" -c "$comment"
    [ "$system" = 0 ] || set -- "$@" -r
    if [ "$create_home" = 1 ]; then set -- "$@" -m; else set -- "$@" -M; fi
    useradd "$@" "$name"
  else
    if [ -n "$group" ]; then
      set -- -G "$group"
    elif lookup group "$name" >/dev/null; then
      set -- -G "$name"
    fi
    [ -z "$uid" ] || set -- "$@" -u "$uid"
    [ -z "$shell" ] || set -- "$@" -s "$shell"
    [ -z "$home" ] || set -- "$@" -h "$home"
    [ "$has_comment" = 0 ] || set -- "$@" -g "$comment"
    [ "$system" = 0 ] || set -- "$@" -S
    [ "$create_home" = 1 ] || set -- "$@" -H
    adduser -D "$@" "$name"
  fi
}
change_user() {
  if ! command -v usermod >/dev/null; then
    change_entry
    return
  fi
  set --
  [ -z "$uid" ] || set -- "$@" -u "$uid"
  [ -z "$group" ] || set -- "$@" -g "$group"
  [ -z "$shell" ] || set -- "$@" -s "$shell"
  [ -z "$home" ] || set -- "$@" -d "$home"
  [ "$has_comment" = 0 ] || set -- "$@" -c "$comment"
  # It complains when there is nothing to change.
  [ $# = 0 ] || usermod "$@" "$name"
}
change_entry() {
  if [ -n "$uid" ]; then set_field /etc/passwd "$name" 3 "$uid" || return 1; fi
  if [ -n "$group" ]; then
    entry=$(lookup group "$group") && entry=${entry#*:*:} || return 1
    set_field /etc/passwd "$name" 4 "${entry%%:*}" || return 1
  fi
  if [ "$has_comment" = 1 ]; then set_field /etc/passwd "$name" 5 "$comment" || return 1; fi
  if [ -n "$home" ]; then set_field /etc/passwd "$name" 6 "$home" || return 1; fi
  if [ -n "$shell" ]; then set_field /etc/passwd "$name" 7 "$shell" || return 1; fi
}
# Makes $groups exactly the groups that the user is in besides its own.
join_groups() {
  if command -v usermod >/dev/null; then
    usermod -G "$(printf '%s' "$groups" | tr ' ' ,)" "$name"
    return
  fi
  own=$(id -gn "$name")
  now=$(id -Gn "$name")
  for one in $now; do
    case " $groups $own " in
      *" $one "*) ;;
      *) delgroup "$name" "$one" || return 1 ;;
    esac
  done
  for one in $groups; do
    case " $now " in
      *" $one "*) ;;
      *) addgroup "$name" "$one" || return 1 ;;
    esac
  done
}
# $1: whether its home goes, too.
unmake_user() {
  lookup passwd "$name" >/dev/null || return 0
  set -- "$1"
  if command -v userdel >/dev/null; then
    if [ "$1" = 1 ]; then userdel -r "$name"; else userdel "$name"; fi
    code=$?
    # Its home, or its mail, could not be removed, as there may be none: it is gone itself.
    case $code in
      0 | 12) return 0 ;;
      8) problem=busy ;;
    esac
    return "$code"
  elif [ "$1" = 1 ]; then
    deluser --remove-home "$name"
  else
    deluser "$name"
  fi
}
