# The file that a link leads to is what counts. The line feed that ends readlink's output, and no other, is taken off.
resolve() {
  real=$path
  if [ -L "$path" ]; then
    real=$(readlink -f -- "$path" && printf .) || fail link
    real=${real%??}
  fi
  folder=${real%/*}
  folder=${folder:-/}
}
# What is there now, and its version in the same terms as the reviewed one.
inspect() {
  kind=absent now=absent sum=
  if [ -f "$real" ]; then
    kind=file
    sum=$(sha256sum <"$real") && stats=$(stat -L -c "$facts" -- "$real") || fail unreadable
    sum=${sum%% *}
    IFS='	' read -r is_mode is_uid is_gid is_user is_group size links inode changed <<END
$stats
END
    case $version in
      time:*) now="time:$inode:$changed" ;;
      *) now="content:$sum:$is_mode:$is_uid:$is_gid" ;;
    esac
  elif [ -e "$real" ]; then
    kind=other now=other
  fi
}
# Proves the precondition.
prove() {
  [ "$kind" != other ] || fail not_a_file
  if [ "$guard" != any ] && [ "$now" != "$version" ]; then
    fail changed "$now"
  fi
}
# Arms the way back to what is there now, if that is asked for.
arm_file() {
  [ "$confirm_seconds" != 0 ] || return 0
  find_way
  keep_good "$real" "$key" "$good" && arm "$confirm_seconds" hold "$real" 0 || fail unarmed
  say armed 0
}
# The folder with what was there before; $HOME's for a user who is not root.
aside() {
  if [ "$(id -u)" = 0 ]; then
    before=/var/lib/meshform/pre/$key
  else
    before=$HOME/.local/state/meshform/pre/$key
  fi
}
# Makes $temporary become $real, in place where that cannot be (a mount point, a folder whose owner keeps others out).
replace() {
  sync -d -- "$temporary" 2>/dev/null || fsync -d "$temporary" 2>/dev/null || sync
  how=renamed
  if [ "$in_place" = 1 ] || ! mv -f -- "$temporary" "$real"; then
    how=in_place
    cat -- "$temporary" >"$real" || fail write
    rm -f -- "$temporary"
  fi
  if [ "$kind" = absent ] && [ -e /sys/fs/selinux/enforce ]; then
    restorecon -- "$real" 2>/dev/null
  fi
  sync -- "$folder" 2>/dev/null || sync
}
# An empty file beside $real that only we can read, gone when this program ends, however it does.
reserve() {
  [ -w "$folder" ] || fail denied
  temporary=$folder/.meshform-$nonce
  trap 'rm -f -- "$temporary"' EXIT
  trap 'exit 129' HUP INT TERM PIPE
  (set -C && : >"$temporary") || fail write
}
# Gives $1 the owner $2 and the group $3, where they are not empty.
give() {
  if [ -n "$2" ]; then
    chown -- "$2" "$1" || fail owner "$2"
  fi
  if [ -n "$3" ]; then
    chgrp -- "$3" "$1" || fail group "$3"
  fi
}
